/** What a lead does in a call, on a row of the floor: listen with one click, the rest in a menu beside it. */
import { CustomerServiceOutlined, EllipsisOutlined, EyeOutlined } from "@ant-design/icons";
import { Button, Dropdown } from "antd";
import { useT } from "../i18n";
import type { Mode } from "./calls";
import { comes, type Seat } from "./Seat";

/** `agent`: only while the talk is his; one who is asked beside it has the same conversation. `who`: for screen readers. */
export function TalkActs({
  conversation,
  agent,
  seat,
  who,
}: {
  conversation: string;
  agent?: string;
  seat: Seat;
  who: string;
}) {
  const t = useT();
  const talk = seat.list?.talks.find((each) => each.conversation === conversation);
  if (!talk || (agent && talk.agent !== agent)) return null;
  if (talk.monitor)
    return (
      <span className="floor-heard" title={`${talk.monitor.user} · ${t(`calls.${talk.monitor.mode}`)}`}>
        <EyeOutlined /> {talk.monitor.user}
      </span>
    );
  if (!comes(seat, talk)) return null;
  const act = (what: string) => {
    if (what === "disconnect") return seat.end(talk);
    void (what === "take_over" ? seat.takeOver(talk) : seat.come(talk, what as Mode));
  };
  return (
    // biome-ignore lint/a11y: only keeps a click on these buttons from being one on the row
    <span className="floor-talk" onClick={(event) => event.stopPropagation()}>
      <Button
        size="small"
        icon={<CustomerServiceOutlined />}
        aria-label={`${t("calls.listen")} ${who}`}
        title={t("calls.listen")}
        data-testid="floor-listen"
        onClick={() => act("listen")}
      />
      <Dropdown
        trigger={["click"]}
        menu={{
          items: ["whisper", "barge", "take_over", "disconnect"].map((key) => ({
            key,
            label: t(`calls.${key}`),
            danger: key === "disconnect",
          })),
          onClick: ({ key }) => act(key),
        }}
      >
        <Button
          size="small"
          icon={<EllipsisOutlined />}
          aria-label={`${t("floor.more")} ${who}`}
          title={t("floor.more")}
          data-testid="floor-more"
        />
      </Dropdown>
    </span>
  );
}
