/** Between calls: my day in figures, my calls, missed calls and colleagues, my queues, the keys. Never an empty page. */
import { SearchOutlined } from "@ant-design/icons";
import { Input } from "antd";
import { type KeyboardEvent, useState } from "react";
import { duration } from "../engine/clock";
import { meOf, queueOf, useApp } from "../engine/store";
import { Calls } from "../home/Calls";
import { Colleagues } from "../home/Colleagues";
import { DeviceCheck, useChecked } from "../home/DeviceCheck";
import { Missed } from "../home/Missed";
import { MyDay } from "../home/MyDay";
import { pick, useT } from "../i18n";
import { useServerNow } from "./hooks";
import { Key } from "./parts";

const LISTS = ["calls", "missed_calls", "colleagues"] as const;
type List = (typeof LISTS)[number];

export function Home() {
  const t = useT();
  const here = useApp((state) => state.device === "here");
  const checked = useChecked();
  const checking = here && !checked;
  return (
    <div className="home">
      <h1 className="sr-only">{t("app.desktop")}</h1>
      <div className="home-left">
        <MyDay />
        <Lists />
      </div>
      <aside className="home-right">
        {checking && <DeviceCheck />}
        <Queues slim={checking} />
        {!checking && <Keys />}
      </aside>
    </div>
  );
}

function Lists() {
  const t = useT();
  const [list, setList] = useState<List>("calls");
  const [search, setSearch] = useState("");
  const show = (next: List) => {
    setList(next);
    setSearch("");
  };
  const move = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const next = LISTS[LISTS.indexOf(list) + by];
    if (!by || !next) return;
    show(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <section className="card calls">
      <header className="card-head">
        <div className="tabs" role="tablist" aria-label={t("day.lists")} onKeyDown={move}>
          {LISTS.map((id) => (
            <button
              key={id}
              id={`tab-${id}`}
              type="button"
              role="tab"
              aria-selected={id === list}
              aria-controls="home-list"
              tabIndex={id === list ? 0 : -1}
              className={`tab${id === list ? " tab-on" : ""}`}
              data-testid={`tab-${id}`}
              onClick={() => show(id)}
            >
              {t(`day.${id}`)}
            </button>
          ))}
        </div>
        {list !== "missed_calls" && (
          <Input
            size="small"
            allowClear
            className="list-search"
            prefix={<SearchOutlined />}
            value={search}
            maxLength={64}
            placeholder={t(list === "calls" ? "day.find_calls" : "day.find_colleague")}
            aria-label={t(list === "calls" ? "day.find_calls" : "day.find_colleague")}
            data-testid="list-search"
            onChange={(event) => setSearch(event.target.value)}
          />
        )}
      </header>
      <div className="list-body" id="home-list" role="tabpanel" aria-labelledby={`tab-${list}`}>
        {list === "calls" && <Calls search={search} />}
        {list === "missed_calls" && <Missed />}
        {list === "colleagues" && <Colleagues search={search} />}
      </div>
    </section>
  );
}

/** So many queues have room for all their figures. */
const FEW_QUEUES = 3;

function Queues({ slim }: { slim: boolean }) {
  const t = useT();
  const me = useApp(meOf);
  const many = (me?.queues.length ?? 0) > FEW_QUEUES;
  return (
    <section className={`card queues${slim || many ? " queues-slim" : ""}`}>
      <header className="card-head">
        <h2>{t("home.queues")}</h2>
      </header>
      {me?.queues.length ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys scroll what has the focus
        <div className="queue-rows" tabIndex={0}>
          {me.queues.map((id) => (
            <QueueCard key={id} id={id} />
          ))}
        </div>
      ) : (
        <p className="queues-empty">{t("home.queues_empty")}</p>
      )}
    </section>
  );
}

function QueueCard({ id }: { id: string }) {
  const t = useT();
  const queue = useApp(queueOf(id));
  const now = useServerNow();
  if (!queue) return null;
  const longest = queue.longest_since === null ? null : now - queue.longest_since;
  return (
    <div className="queue-card" data-testid={`queue-${id}`}>
      <div className="queue-card-name">
        <span>{pick(queue.name)}</span>
        {longest !== null && <span className="num queue-longest">{t("top.longest", { time: duration(longest) })}</span>}
      </div>
      <div className="queue-card-figures">
        {(["waiting", "talking", "ready", "staffed"] as const).map((key) => (
          <span key={key} className={key === "waiting" && queue.waiting > 0 ? "hot" : ""}>
            <b className="num">{queue[key]}</b>
            <small>{t(`home.${key}`)}</small>
          </span>
        ))}
      </div>
    </div>
  );
}

function Keys() {
  const t = useT();
  const rows: [string, string][] = [
    ["F8", "key_ready"],
    ["F2", "key_answer"],
    ["F4", "key_hangup"],
    ["F6", "key_hold"],
    ["F7", "key_mute"],
    ["F3", "key_transfer"],
    ["F9", "key_keypad"],
    ["Enter", "key_done"],
  ];
  return (
    <section className="card keys">
      <header className="card-head">
        <h2>{t("home.keys")}</h2>
      </header>
      <dl>
        {rows.map(([key, name]) => (
          <div key={key}>
            <dt>
              <Key name={key} />
            </dt>
            <dd>{t(`home.${name}`)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
