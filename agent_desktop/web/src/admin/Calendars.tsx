/** Opening hours: the week's form, and the year as days; a click on a day closes it or opens it as usual. */
import { CloseOutlined, LeftOutlined, RightOutlined } from "@ant-design/icons";
import { Button, Input } from "antd";
import { useState } from "react";
import { useLanguage, useT } from "../i18n";
import { Spans } from "./controls";
import { type Holiday, type Row, setKey, useSite } from "./site";
import { Table } from "./Table";
import { dayText, hoursOn } from "./written";

export function Calendars() {
  return <Table table="calendars" below={(id, row) => <Year key={id} id={id} row={row} />} />;
}

function Year({ id, row }: { id: string; row: Row }) {
  const t = useT();
  const language = useLanguage();
  const country = useSite((state) => state.view?.holidays[id] ?? NONE);
  const [year, setYear] = useState(() => new Date().getFullYear());
  const own = (row["holidays"] ?? []) as Holiday[];
  const week = (row["week"] ?? {}) as Record<string, string[]>;
  const put = (next: Holiday[]) => {
    const sorted = [...next].sort((one, other) => one.day.localeCompare(other.day));
    setKey("calendars", id, "holidays", sorted.length ? sorted : undefined);
  };
  const toggle = (day: string) =>
    put(own.some((each) => each.day === day) ? own.filter((each) => each.day !== day) : [...own, { day }]);
  const months = Array.from({ length: 12 }, (_, month) => month);
  const monthName = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { month: "long", timeZone: "UTC" });
  return (
    <fieldset>
      <legend>{t("admin.section.year")}</legend>
      <div className="year-head">
        <Button type="text" icon={<LeftOutlined />} aria-label={t("admin.before")} onClick={() => setYear(year - 1)} />
        <strong className="num">{year}</strong>
        <Button type="text" icon={<RightOutlined />} aria-label={t("admin.after")} onClick={() => setYear(year + 1)} />
        <span className="year-key year-open">{t("admin.open")}</span>
        <span className="year-key year-shut">{t("admin.closed")}</span>
        <span className="year-key year-other">{t("admin.other_hours")}</span>
      </div>
      <p className="af-hint">{t("admin.section_is.year")}</p>
      <div className="year">
        {months.map((month) => (
          <div key={month} className="month">
            <b>{monthName.format(new Date(Date.UTC(year, month, 1)))}</b>
            <div className="month-days">
              {Array.from({ length: (new Date(Date.UTC(year, month, 1)).getUTCDay() + 6) % 7 }, (_, n) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: empty places before the first
                <i key={n} />
              ))}
              {Array.from({ length: new Date(Date.UTC(year, month + 1, 0)).getUTCDate() }, (_, n) => {
                const day = dayText(year, month, n + 1);
                const found = hoursOn(day, week, own, country);
                const how = found.hours.length === 0 ? "shut" : found.from === "week" ? "open" : "other";
                return (
                  <button
                    type="button"
                    key={day}
                    className={`year-${how}${found.from === "week" ? "" : " year-special"}`}
                    title={`${day} ${found.name} ${found.hours.join(", ") || t("admin.closed")}`}
                    data-testid={`day-${day}`}
                    data-how={how}
                    onClick={() => toggle(day)}
                  >
                    {n + 1}
                  </button>
                );
              })}
            </div>
          </div>
        ))}
      </div>
      {own.length > 0 && (
        <ul className="holidays">
          {own.map((each) => (
            <li key={each.day}>
              <b className="num">{each.day}</b>
              <Input
                value={each.name ?? ""}
                placeholder={t("admin.holiday_name")}
                onChange={(e) => put(own.map((one) => (one === each ? { ...each, name: e.target.value } : one)))}
              />
              <Spans
                value={each.hours ?? []}
                testid={`hours-${each.day}`}
                name={each.day}
                onChange={(hours) => put(own.map((one) => (one === each ? { ...each, hours } : one)))}
              />
              <Button
                type="text"
                icon={<CloseOutlined />}
                aria-label={t("admin.remove")}
                onClick={() => toggle(each.day)}
              />
            </li>
          ))}
        </ul>
      )}
    </fieldset>
  );
}

const NONE: Holiday[] = [];
