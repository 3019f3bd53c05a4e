/** Wrap-up in the place of the call bar: what came of it, in a few key strokes. */
import { Button, Select } from "antd";
import { useEffect, useMemo, useRef, useState } from "react";
import { command } from "../engine/desktop";
import { clock, siteOf, useApp } from "../engine/store";
import type { Disposition, WorkDoc } from "../engine/types";
import { pick, useLanguage, useT } from "../i18n";
import { keeperOf, useDrafts } from "./drafts";
import { clockTime, finds, phoneNumber } from "./format";
import { useServerNow } from "./hooks";
import { Key, useCallerName } from "./parts";

export function WrapUpBar({ work }: { work: WorkDoc }) {
  const t = useT();
  const site = useApp(siteOf);
  const name = useCallerName(work);
  const chosen = useDrafts((drafts) => drafts.disposition[work.contact] ?? "");
  const choose = useDrafts((drafts) => drafts.choose);
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState<"" | "ready" | "not_ready">("");
  const [missing, setMissing] = useState(false);
  const select = useRef<{ focus: () => void }>(null);
  const done = useRef<HTMLButtonElement>(null);
  // Whoever is in the middle of a word stays in the note.
  const [writing] = useState(() => document.activeElement instanceof HTMLTextAreaElement);
  const required = !work.unreached && (site?.queues[work.queue]?.disposition_required ?? true);
  const list = useMemo(
    () => (site?.dispositions ?? []).filter((entry) => entry.queues.length === 0 || entry.queues.includes(work.queue)),
    [site, work.queue],
  );

  const finish = async (ready: boolean) => {
    if (busy) return;
    if (required && !chosen) {
      setMissing(true);
      setOpen(true);
      select.current?.focus();
      return;
    }
    setBusy(ready ? "ready" : "not_ready");
    const note = keeperOf(work.contact, work.note);
    const answer = await command("FinishWrapUp", {
      contact: work.contact,
      disposition: chosen,
      note: note.text,
      ready,
    });
    if (answer.ok) note.settle();
    setBusy("");
  };

  // Enter finishes from anywhere, except where Enter has a meaning of its own.
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== "Enter" || event.isComposing || event.defaultPrevented || open) return;
      const target = event.target as HTMLElement;
      // Enter presses the button that has the focus; Shift+Enter means "not ready" even there.
      if (target.closest("a, [role=menu]") || (target.closest("button") && !event.shiftKey)) return;
      if (target instanceof HTMLTextAreaElement && !event.ctrlKey) return;
      if (target.closest(".ant-select") && !chosen) return;
      event.preventDefault();
      void finish(!event.shiftKey);
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  });

  return (
    <>
      <Ring work={work} />
      <div className="callbar-who wrap-who">
        <div className="callbar-title">
          {t(!work.unreached ? "wrap.title" : work.callback ? "callback.unreached" : "dial.unreached")}
        </div>
        <div className="callbar-sub" data-testid="wrap-sub">
          {work.unreached ? <Next work={work} /> : t("wrap.for", { name })}
        </div>
      </div>
      <Select
        ref={select as never}
        className="wrap-select"
        data-testid="disposition"
        size="large"
        autoFocus={!writing}
        open={open}
        onOpenChange={setOpen}
        defaultActiveFirstOption
        status={missing && !chosen ? "error" : ""}
        placeholder={missing && !chosen ? t("wrap.required") : t("wrap.disposition_hint")}
        aria-label={t("wrap.disposition")}
        notFoundContent={t("wrap.none")}
        value={chosen || null}
        options={list.map((entry) => ({ value: entry.id, label: pick(entry.name), entry }))}
        showSearch={{
          filterOption: (typed, option) => {
            const entry = (option as { entry?: Disposition } | undefined)?.entry;
            return entry ? finds(typed, entry.name, entry.id) : false;
          },
        }}
        onChange={(value) => {
          choose(work.contact, value);
          setMissing(false);
          setOpen(false);
          setTimeout(() => done.current?.focus(), 0);
        }}
      />
      <div className="actions">
        <Button
          size="large"
          data-testid="extend"
          onClick={() => void command("ExtendWrapUp", { contact: work.contact })}
        >
          {t("wrap.extend")}
        </Button>
        <Button
          size="large"
          data-testid="done-notready"
          loading={busy === "not_ready"}
          onClick={() => void finish(false)}
        >
          {t("wrap.done_not_ready")} <Key name="⇧ Enter" />
        </Button>
        <Button
          ref={done}
          size="large"
          type="primary"
          className="go-solid"
          data-testid="done-ready"
          loading={busy === "ready"}
          onClick={() => void finish(true)}
        >
          {t("wrap.done_ready")} <Key name="Enter" />
        </Button>
      </div>
    </>
  );
}

/** What becomes of a callback whose customer did not answer. */
function Next({ work }: { work: WorkDoc }) {
  const t = useT();
  const language = useLanguage();
  const at = work.callback?.retry_at;
  if (!work.callback) {
    const why = work.unreached_why || "failed";
    return (
      <>
        {phoneNumber(work.caller.number)} · {t(`dial.why_${why}` as "dial.why_failed")}
      </>
    );
  }
  return <>{at ? t("callback.again_at", { time: clockTime(at, language) }) : t("callback.no_more")}</>;
}

/** The time that is left, as a ring that empties and a number. */
function Ring({ work }: { work: WorkDoc }) {
  useServerNow();
  const t = useT();
  const until = work.until;
  if (until === null) return <div className="callbar-badge tone-wrap">…</div>;
  const left = Math.max(0, until - clock.now());
  const total = Math.max(1, until - work.since);
  const length = 2 * Math.PI * 24;
  return (
    <div
      className={`ring${left < 6 ? " ring-late" : ""}`}
      data-testid="wrap-left"
      role="timer"
      aria-label={`${Math.ceil(left)} ${t("wrap.seconds")}`}
    >
      <svg viewBox="0 0 56 56" aria-hidden="true">
        <circle cx="28" cy="28" r="24" className="ring-track" />
        <circle
          cx="28"
          cy="28"
          r="24"
          className="ring-left"
          strokeDasharray={length}
          strokeDashoffset={length * (1 - left / total)}
        />
      </svg>
      <b className="num">{Math.ceil(left)}</b>
    </div>
  );
}
