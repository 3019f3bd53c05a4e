/** What a lead does to an agent: force a state, send a message, change skills and queues. */
import { UndoOutlined } from "@ant-design/icons";
import { Button, Drawer, Dropdown, Input, InputNumber, Modal, Popconfirm, Select } from "antd";
import { memo, useEffect, useState } from "react";
import { pick, useT } from "../i18n";
import { named, STATE_CLASS, StateIcon } from "../ui/parts";
import type { Act, FloorAgent, FloorSite } from "./board";
import { comes, MODES, type Seat } from "./Seat";
import { acts } from "./useFloor";

export const AgentDrawer = memo(function AgentDrawer({
  agent,
  site,
  act,
  seat,
  onClose,
}: {
  agent: FloorAgent | undefined;
  site: FloorSite;
  act: Act;
  seat: Seat;
  onClose: () => void;
}) {
  const t = useT();
  const [telling, setTelling] = useState(false);
  const here = agent && agent.state !== "null";
  return (
    <Drawer
      open={agent !== undefined}
      mask={false}
      onClose={onClose}
      title={agent && `${pick(agent.name)} ${agent.id}`}
      data-testid="agent-drawer"
      rootClassName={seat.own ? "above-own" : ""}
    >
      {agent && (
        <div className="lead-acts-list">
          <p>
            <span className={`state state-${STATE_CLASS[agent.state]}`}>
              <StateIcon state={agent.state} />
              {t(`state.${agent.state}`)}
            </span>{" "}
            {agent.state === "not_ready" && named(site.reasons, agent.reason)}{" "}
            {agent.chosen_by && agent.chosen_by !== agent.id && t("floor.chosen_by", { name: agent.chosen_by })}
          </p>
          {here && (
            <div className="floor-buttons">
              {!agent.ready && (
                <Button data-testid="force-ready" onClick={() => void act(acts.force(agent.id, "ready"))}>
                  {t("floor.force_ready")}
                </Button>
              )}
              <Dropdown
                trigger={["click"]}
                menu={{
                  items: site.reasons.map((reason) => ({ key: reason.id, label: pick(reason.name) })),
                  onClick: ({ key }) => void act(acts.force(agent.id, "not_ready", key)),
                }}
              >
                <Button data-testid="force-not-ready">{t("floor.force_not_ready")}</Button>
              </Dropdown>
              <Button danger data-testid="force-out" onClick={() => void act(acts.force(agent.id, "signed_out"))}>
                {t("floor.force_out")}
              </Button>
              <Button data-testid="message-one" onClick={() => setTelling(true)}>
                {t("floor.message")}
              </Button>
            </div>
          )}
          {agent.call?.kind === "busy" && <InCall agent={agent} act={act} seat={seat} />}
          <Ability key={agent.id} agent={agent} site={site} act={act} />
          <MessageBox open={telling} to={agent.id} act={act} onClose={() => setTelling(false)} />
        </div>
      )}
    </Drawer>
  );
});

/** Into his call, in words; the bar at the page's foot then says who hears whom. */
function InCall({ agent, act, seat }: { agent: FloorAgent; act: Act; seat: Seat }) {
  const t = useT();
  const conversation = agent.call?.conversation ?? "";
  const talk = seat.list?.talks.find((each) => each.conversation === conversation && each.agent === agent.id);
  return (
    <div className="floor-buttons" data-testid="in-call">
      {talk &&
        comes(seat, talk) &&
        MODES.map((mode) => (
          <Button key={mode} data-testid={`drawer-${mode}`} onClick={() => void seat.come(talk, mode)}>
            {t(`calls.${mode}`)}
          </Button>
        ))}
      {talk && comes(seat, talk) && (
        <Button data-testid="drawer-take-over" onClick={() => void seat.takeOver(talk)}>
          {t("calls.take_over")}
        </Button>
      )}
      <Popconfirm
        title={t("floor.end_sure")}
        okText={t("floor.end_call")}
        cancelText={t("floor.close")}
        okButtonProps={{ danger: true }}
        onConfirm={() => void act(acts.end(conversation))}
      >
        <Button danger data-testid="drawer-end">
          {t("floor.end_call")}
        </Button>
      </Popconfirm>
    </div>
  );
}

/** The queues here are his own, beside those of his group. */
function Ability({ agent, site, act }: { agent: FloorAgent; site: FloorSite; act: Act }) {
  const t = useT();
  const [skills, setSkills] = useState(agent.skills);
  const [queues, setQueues] = useState(agent.own_queues);
  const [fresh, setFresh] = useState("");
  const [undo, setUndo] = useState<{ skills: Record<string, number>; queues?: string[] } | null>(null);
  const changedQueues = queues.join() !== agent.own_queues.join();
  const save = async () => {
    const before = { skills: agent.skills, ...(changedQueues && { queues: agent.own_queues }) };
    if (await act(acts.able(agent.id, { skills, ...(changedQueues && { queues }) }))) setUndo(before);
  };
  const back = async () => {
    if (!undo || !(await act(acts.able(agent.id, undo)))) return;
    setSkills(undo.skills);
    if (undo.queues) setQueues(undo.queues);
    setUndo(null);
  };
  return (
    <section className="floor-ability">
      <h3>{t("floor.skills")}</h3>
      {Object.entries(skills).map(([skill, level]) => (
        <div key={skill} className="floor-skill">
          <span>{skill}</span>
          <InputNumber
            size="small"
            min={0}
            max={100}
            value={level}
            data-testid={`skill-${skill}`}
            aria-label={`${skill} ${t("floor.level")}`}
            onChange={(value) => setSkills({ ...skills, [skill]: value ?? 0 })}
          />
        </div>
      ))}
      <Input
        size="small"
        value={fresh}
        placeholder={t("floor.add_skill")}
        aria-label={t("floor.add_skill")}
        maxLength={64}
        onChange={(event) => setFresh(event.target.value)}
        onPressEnter={() => {
          if (fresh.trim()) setSkills({ ...skills, [fresh.trim()]: 50 });
          setFresh("");
        }}
      />
      <h3>{t("floor.own_queues")}</h3>
      <Select
        mode="multiple"
        value={queues}
        onChange={setQueues}
        aria-label={t("floor.own_queues")}
        options={Object.entries(site.queues).map(([id, queue]) => ({ value: id, label: pick(queue.name) }))}
      />
      <Button type="primary" data-testid="save-ability" onClick={() => void save()}>
        {t("floor.save_skills")}
      </Button>
      {undo && (
        <Button icon={<UndoOutlined />} data-testid="undo-ability" onClick={() => void back()}>
          {t("floor.undo")}
        </Button>
      )}
    </section>
  );
}

/** `to` null: everybody of the own teams. */
export const MessageBox = memo(function MessageBox({
  open,
  to,
  act,
  onClose,
}: {
  open: boolean;
  to: string | null;
  act: Act;
  onClose: () => void;
}) {
  const t = useT();
  const [text, setText] = useState("");
  useEffect(() => {
    if (open) setText("");
  }, [open]);
  const send = async () => {
    if (await act(acts.message(text.trim(), to ? [to] : null))) onClose();
  };
  return (
    <Modal
      open={open}
      title={to ? `${t("floor.message")}: ${to}` : t("floor.message_all")}
      okText={t("floor.send")}
      cancelText={t("floor.close")}
      okButtonProps={{ disabled: !text.trim() }}
      onCancel={onClose}
      onOk={() => void send()}
      destroyOnHidden
    >
      {!to && <p>{t("floor.message_to_all")}</p>}
      <Input.TextArea
        value={text}
        rows={3}
        maxLength={500}
        autoFocus
        aria-label={t("floor.message_text")}
        placeholder={t("floor.message_text")}
        data-testid="message-text"
        onChange={(event) => setText(event.target.value)}
      />
    </Modal>
  );
});
