/** Who is here, in which state, and whose ringing call can be picked up. Asked for anew when the figures of my queues say that somebody's state has changed. */
import { DisconnectOutlined, SearchOutlined, TeamOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { memo, useEffect, useMemo, useState } from "react";
import { api } from "../engine/api";
import { command } from "../engine/desktop";
import { meOf, queueOf, siteOf, type store, useApp } from "../engine/store";
import type { Directory, SiteDoc } from "../engine/types";
import { pick, useT } from "../i18n";
import { finds } from "../ui/format";
import { useRows } from "../ui/longlist";
import { Empty, named, Since, STATE_CLASS, StateIcon } from "../ui/parts";

const GATHER_MS = 300;
/** Pixels of a row of a long list (desktop.css). */
const ROW = 44;

/** Changes whenever a colleague of one of my queues comes, goes, or changes his state. */
function presence(state: ReturnType<typeof store.getState>): string {
  return (meOf(state)?.queues ?? [])
    .map((id) => {
      const queue = queueOf(id)(state);
      return queue ? `${queue.ready}/${queue.talking}/${queue.staffed}` : "";
    })
    .join(" ");
}

export function Colleagues({ search }: { search: string }) {
  const t = useT();
  const site = useApp(siteOf);
  const changed = useApp(presence);
  const [found, setFound] = useState<Directory["agents"] | null>(null);
  const [failed, setFailed] = useState(false);
  const [list, setList] = useState<HTMLElement | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `changed` says when to look again
  useEffect(() => {
    const soon = setTimeout(
      () =>
        api.directory().then(
          (directory) => setFound(directory.agents),
          () => setFailed(true),
        ),
      found ? GATHER_MS : 0,
    );
    return () => clearTimeout(soon);
  }, [changed]);
  const shown = useMemo(() => found?.filter((agent) => finds(search, agent.name, agent.id)), [found, search]);
  const { from, to, long } = useRows(list, shown?.length ?? 0, ROW);
  if (failed && !found) {
    return <Empty icon={<DisconnectOutlined />} title={t("day.failed")} hint={t("reject.server_away")} />;
  }
  if (!shown || shown.length === 0) {
    return (
      <div className="call-rows" data-testid="colleagues" aria-busy={!shown}>
        {shown &&
          (search ? (
            <Empty icon={<SearchOutlined />} title={t("day.nothing_found")} hint="" />
          ) : (
            <Empty icon={<TeamOutlined />} title={t("day.nobody")} hint={t("day.nobody_hint")} />
          ))}
      </div>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys scroll what has the focus
    <ul className={`call-rows${long ? " long" : ""}`} tabIndex={0} data-testid="colleagues" ref={setList}>
      {from > 0 && <li aria-hidden style={{ height: from * ROW }} />}
      {shown.slice(from, to).map((agent, place) => (
        <Colleague key={agent.id} agent={agent} site={site} place={from + place + 1} of={shown.length} />
      ))}
      {to < shown.length && <li aria-hidden style={{ height: (shown.length - to) * ROW }} />}
    </ul>
  );
}

/** `place`: which one `of` all it is; not all of a long list are in the page. */
const Colleague = memo(function Colleague({
  agent,
  site,
  place,
  of,
}: {
  agent: Directory["agents"][number];
  site: SiteDoc | undefined;
  place: number;
  of: number;
}) {
  const t = useT();
  return (
    <li
      className="call-row colleague-row"
      aria-posinset={place}
      aria-setsize={of}
      data-testid={`colleague-${agent.id}`}
      data-state={agent.state}
    >
      <span className="call-name">
        <b>{pick(agent.name)}</b>
      </span>
      <span className="num quiet">{agent.id}</span>
      <span className={`colleague-state state-${STATE_CLASS[agent.state]}`}>
        <StateIcon state={agent.state} /> {t(`state.${agent.state}`)}
      </span>
      {agent.ringing ? (
        <Button
          size="small"
          type="primary"
          data-testid={`pickup-${agent.id}`}
          onClick={() => void command("PickUpCall", { contact: agent.ringing })}
        >
          {t("day.pick_up")}
        </Button>
      ) : (
        <span className="quiet">{agent.state === "not_ready" && named(site?.reasons, agent.reason)}</span>
      )}
      <Since at={agent.since} />
    </li>
  );
});
