/** Which device is the phone, by what the documents say. */
import { describe, expect, it } from "vitest";
import { canRing, deviceAfter } from "./device";
import type { DeviceState } from "./store";
import type { MeDoc, PhoneDoc } from "./types";

const page = (lease: string): PhoneDoc => ({
  kind: "browser",
  desk: null,
  lease,
  instance: "i",
  registered: true,
  contact: true,
});
const desk = (id: string, contact = true): PhoneDoc => ({
  kind: "desk",
  desk: { id, name: id },
  lease: `desk-${id}`,
  instance: "",
  registered: true,
  contact,
});
const me = (phone: PhoneDoc | null, signed_in = true) => ({ phone, signed_in }) as MeDoc;

const CASES: [string, DeviceState, MeDoc | undefined, MeDoc, string | null, DeviceState][] = [
  ["a fresh page of an agent with a desk phone", "none", undefined, me(desk("p1")), null, "desk"],
  ["a fresh page while another page is the phone", "none", undefined, me(page("a")), null, "elsewhere"],
  ["this page's own phone, told late", "none", me(null), me(page("a")), "a", "none"],
  ["he moves from this page to a desk phone", "here", me(page("a")), me(desk("p1")), "a", "desk"],
  ["from one desk phone to another", "desk", me(desk("p1")), me(desk("p2")), null, "desk"],
  ["his desk phone was taken by somebody else", "desk", me(desk("p1")), me(null), null, "none"],
  ["another page of his took over from the desk phone", "desk", me(desk("p1")), me(page("b")), null, "elsewhere"],
  [
    "this page is taking over: the old document still names the desk phone",
    "here",
    me(desk("p1")),
    me(desk("p1")),
    "a",
    "here",
  ],
  ["the same while it is asking", "asking", me(desk("p1")), me(desk("p1")), null, "asking"],
  ["this page has taken over", "here", me(desk("p1")), me(page("a")), "a", "here"],
  ["another page took over from this one", "here", me(page("a")), me(page("b")), "a", "elsewhere"],
  ["the other page has gone", "elsewhere", me(page("b")), me(null), null, "none"],
  ["signed out here", "here", me(page("a")), me(null, false), "a", "none"],
  ["signed out at the desk", "desk", me(desk("p1")), me(null, false), null, "none"],
];

describe("deviceAfter", () => {
  it.each(CASES)("%s", (_what, device, before, after, lease, expected) => {
    expect(deviceAfter(device, before, after, lease)).toBe(expected);
  });
});

it("calls can ring on a desk phone that is registered, and on this page when its softphone is", () => {
  expect(canRing("desk", false, me(desk("p1")))).toBe(true);
  expect(canRing("desk", true, me(desk("p1", false)))).toBe(false);
  expect(canRing("here", true, me(page("a")))).toBe(true);
  expect(canRing("here", false, me(page("a")))).toBe(false);
  expect(canRing("elsewhere", true, me(page("b")))).toBe(false);
  expect(canRing("desk", true, undefined)).toBe(false);
});
