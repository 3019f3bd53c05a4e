/** What the forms show of each table: one list of fields, in sections. Units are the site file's own. */
export type Field = { key: string; unit?: string } & (
  | { kind: "number" | "text" | "label" | "requires" | "flag" | "algorithm" | "pairs" | "percents" | "week" | "names" }
  /** One of the ids of a table, or of these words. */
  | { kind: "choice"; from?: string; words?: string[]; none?: boolean }
  | { kind: "many"; from: string }
  | { kind: "rows"; fields: Field[]; fresh: Record<string, unknown> }
  | { kind: "part"; fields: Field[] }
  /** Rows that are named by their first field: an object in the file. */
  | { kind: "named"; fields: Field[]; fresh: Record<string, unknown> }
);
export interface Section {
  key: string;
  fields: Field[];
}

const seconds = (key: string): Field => ({ key, kind: "number", unit: "s" });
const number = (key: string): Field => ({ key, kind: "number" });
const flag = (key: string): Field => ({ key, kind: "flag" });
const name: Field = { key: "name", kind: "label" };
const queue = (key: string): Field => ({ key, kind: "choice", from: "queues", none: true });
const requires: Field = { key: "requires", kind: "requires" };
const algorithm: Field = { key: "algorithm", kind: "algorithm" };

export const ALGORITHMS = [
  "longest_idle",
  "least_occupied",
  "best_longest_idle",
  "best_least_occupied",
  "percent",
  "round_robin",
  "fewest_calls",
  "ring_all",
];

export const SECTIONS: Record<string, Section[]> = {
  queues: [
    { key: "who", fields: [name, requires, algorithm, number("ring_at_most")] },
    {
      key: "steps",
      fields: [
        {
          key: "steps",
          kind: "rows",
          fresh: { requires: "", for_seconds: 30 },
          fields: [requires, seconds("for_seconds"), number("available_below"), seconds("wait_over_seconds")],
        },
      ],
    },
    { key: "order", fields: [seconds("priority"), seconds("objective_seconds"), seconds("service_level_seconds")] },
    { key: "offers", fields: [seconds("offer_seconds"), seconds("wrap_up_seconds"), flag("disposition_required")] },
    { key: "limits", fields: [number("max_waiting"), seconds("max_wait_seconds")] },
    {
      key: "hours",
      fields: [
        { key: "calendar", kind: "choice", from: "calendars", none: true },
        { key: "at_close", kind: "choice", words: ["serve", "leave"] },
        queue("when_closed"),
        queue("when_full"),
        queue("when_no_agent"),
        flag("no_agent_leaves"),
      ],
    },
    {
      key: "overflow",
      fields: [
        {
          key: "overflow",
          kind: "rows",
          fresh: { to: "", after_seconds: 60 },
          fields: [queue("to"), seconds("after_seconds"), number("waiting_over"), seconds("predicted_over_seconds")],
        },
      ],
    },
    {
      key: "rules",
      fields: [
        {
          key: "rules",
          kind: "rows",
          fresh: { id: "rule", when: { class: "vip" }, priority: 60 },
          fields: [
            { key: "id", kind: "text" },
            { key: "when", kind: "pairs" },
            seconds("priority"),
            requires,
            algorithm,
            { key: "prefer", kind: "text" },
            seconds("prefer_seconds"),
          ],
        },
      ],
    },
    {
      key: "comfort",
      fields: [
        {
          key: "comfort",
          kind: "part",
          fields: [
            { key: "prompt", kind: "choice", from: "prompts", none: true },
            seconds("first_seconds"),
            seconds("every_seconds"),
            flag("position"),
            flag("wait"),
          ],
        },
        {
          key: "callback",
          kind: "part",
          fields: [
            number("tries"),
            seconds("retry_seconds"),
            seconds("ring_seconds"),
            seconds("keep_seconds"),
            number("max_open"),
          ],
        },
      ],
    },
  ],
  agents: [
    {
      key: "who",
      fields: [
        name,
        { key: "group", kind: "choice", from: "groups", none: true },
        { key: "queues", kind: "many", from: "queues" },
        { key: "phone", kind: "choice", from: "phones", none: true },
        { key: "shares", kind: "percents" },
      ],
    },
    { key: "limits", fields: [flag("auto_answer"), number("max_misses"), seconds("wrap_up_seconds")] },
  ],
  groups: [
    { key: "who", fields: [name, { key: "leads", kind: "names" }] },
    {
      key: "capacity",
      fields: [
        {
          key: "capacity",
          kind: "named",
          fresh: { medium: "callback", max: 1, alone: true },
          fields: [
            { key: "medium", kind: "choice", words: ["voice", "callback", "chat", "email"] },
            number("max"),
            flag("alone"),
          ],
        },
      ],
    },
  ],
  calendars: [
    {
      key: "hours",
      fields: [
        { key: "zone", kind: "text" },
        { key: "country", kind: "text" },
        { key: "week", kind: "week" },
      ],
    },
  ],
  reasons: [{ key: "who", fields: [name] }],
  dispositions: [{ key: "who", fields: [name, { key: "queues", kind: "many", from: "queues" }] }],
  numbers: [{ key: "who", fields: [name, { key: "flow", kind: "choice", from: "flows" }, flag("record")] }],
  phones: [{ key: "who", fields: [name, { key: "contact", kind: "text" }] }],
};

/** What a new row begins with. */
export function fresh(table: string, id: string, flows: string[]): Record<string, unknown> {
  const label = { name: { zh: id, en: id } };
  switch (table) {
    case "calendars": {
      const days = ["mon", "tue", "wed", "thu", "fri"];
      const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
      return { zone, week: Object.fromEntries(days.map((day) => [day, ["09:00-18:00"]])) };
    }
    case "numbers":
      return { ...label, flow: flows[0] ?? "" };
    default:
      return label;
  }
}
