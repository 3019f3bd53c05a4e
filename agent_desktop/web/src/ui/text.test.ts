import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { adminEn } from "../i18n/adminEn";
import { adminZh } from "../i18n/adminZh";
import { callbacksEn } from "../i18n/callbacksEn";
import { callbacksZh } from "../i18n/callbacksZh";
import { en } from "../i18n/en";
import { queuesEn } from "../i18n/queuesEn";
import { queuesZh } from "../i18n/queuesZh";
import { zh } from "../i18n/zh";
import { daysAgo, finds, pathSteps, phoneNumber, pinyinInitials, sinceStart } from "./format";

const keys = (tree: object, at = ""): string[] =>
  Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "object" ? keys(value, `${at}${key}.`) : [`${at}${key}`],
  );

describe("the two languages", () => {
  it("have the same keys, none empty, with the same values inside", () => {
    for (const [one, other] of [
      [en, zh],
      [adminEn, adminZh],
      [callbacksEn, callbacksZh],
      [queuesEn, queuesZh],
    ] as [object, object][])
      same(one, other);
  });
  const same = (en: object, zh: object) => {
    expect(keys(en)).toEqual(keys(zh));
    const holes = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();
    const at = (tree: object, path: string) =>
      path.split(".").reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], tree) as string;
    for (const key of keys(zh)) {
      expect(at(zh, key), key).not.toBe("");
      expect(holes(at(en, key)), key).toEqual(holes(at(zh, key)));
    }
  };

  it("have a sentence for every reason with which the server refuses a command", () => {
    const source = readFileSync(new URL("../../../../ctiserver/model/errors.py", import.meta.url), "utf8");
    const body = source.slice(source.indexOf("class Rejection"), source.indexOf("class CommandRejected"));
    const codes = [...body.matchAll(/= "(\w+)"/g)].map((match) => match[1] as string);
    expect(codes.length).toBeGreaterThan(10);
    for (const code of codes) expect(Object.keys(zh.reject), code).toContain(code);
  });
});

describe("finding a disposition by a letter or two", () => {
  it("knows the first letters of Chinese words", () => {
    expect(pinyinInitials("咨询已答复")).toBe("zxydf");
    expect(pinyinInitials("告知订单进度")).toBe("gzddjd");
    expect(pinyinInitials("已报 O-1 故障")).toBe("ybo-1gz");
  });
  it("finds by pinyin, by characters, by English words and their initials, by id", () => {
    const name = { zh: "已登记投诉", en: "Complaint filed" };
    for (const typed of ["ydj", "投诉", "compl", "cf", "complaint_f", " "])
      expect(finds(typed, name, "complaint_filed")).toBe(true);
    expect(finds("zx", name, "complaint_filed")).toBe(false);
  });
});

it("writes phone numbers in groups", () => {
  expect(["13800138000", "010-65550147", "057155550147", "95500", "+8613800138000"].map(phoneNumber)).toEqual([
    "138 0013 8000",
    "010 6555 0147",
    "0571 5555 0147",
    "95500",
    "+8613800138000",
  ]);
});

it("tells the way of a call in words that an agent knows", () => {
  const name = (id: string) => ({ service: "业务咨询" })[id] ?? "";
  const words = (path: string[]) => pathSteps(path, "95500", name).map((step) => `${step.kind}:${step.text}`);
  expect(words(["main", "menu:0", "service"])).toEqual(["text:95500", "key:0", "text:业务咨询"]);
  expect(words([])).toEqual(["text:95500"]);
  expect(words(["95500", "中文", "1 业务咨询"])).toEqual(["text:95500", "text:中文", "text:1 业务咨询"]);
});

it("counts days by the calendar, not by 24 hours", () => {
  const at = (text: string) => new Date(text).getTime() / 1000;
  expect(daysAgo(at("2026-03-01T23:59:00"), at("2026-03-02T00:01:00"))).toBe(1);
  expect(daysAgo(at("2026-03-02T00:01:00"), at("2026-03-02T23:59:00"))).toBe(0);
});

it("tells how long after the beginning something was", () => {
  expect([0, 0.04, 3.26, 59.94, 59.96, 60, 65.9, 605].map(sinceStart)).toEqual([
    "0.0 s",
    "0.0 s",
    "3.3 s",
    "59.9 s",
    "1:00",
    "1:00",
    "1:05",
    "10:05",
  ]);
});
