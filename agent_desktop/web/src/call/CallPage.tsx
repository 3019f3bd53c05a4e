/** The customer's phone: who am I, call, keypad; what is said, as captions; what the system does, as a story. */
import {
  AudioMutedOutlined,
  AudioOutlined,
  DownOutlined,
  PhoneFilled,
  SearchOutlined,
  SoundOutlined,
  UpOutlined,
  UserOutlined,
} from "@ant-design/icons";
import { Button, Input, Select } from "antd";
import { useEffect, useRef, useState } from "react";
import { duration } from "../engine/clock";
import { meter } from "../engine/sound";
import type { DemoSite, StoryItem } from "../engine/types";
import { has, pick, useLanguage, useT } from "../i18n";
import { clockTime, finds, phoneNumber, sinceStart } from "../ui/format";
import { useTicking } from "../ui/hooks";
import { Keypad } from "../ui/Keypad";
import { ClassMarks, Empty, HangUpIcon, Logo, sentence } from "../ui/parts";
import { LanguageSwitch, ThemeSwitch } from "../ui/switches";
import { customerPhone, dial, hangUp, loadDemo, press, useCustomer } from "./customer";
import "./call.css";

const CALLER_KEY = "hollyhock.demo-caller";

export function CallPage() {
  const t = useT();
  const { site, unusable, status } = useCustomer();
  const [caller, setCaller] = useState(localStorage.getItem(CALLER_KEY) ?? "");
  const [number, setNumber] = useState("");
  useEffect(() => {
    void loadDemo();
  }, []);
  useEffect(() => {
    document.title = `${t("phonepage.title")} · Hollyhock`;
  }, [t]);
  const phones = site?.callers.map((entry) => entry.phone) ?? [];
  const from = phones.includes(caller) ? caller : (phones[0] ?? "");
  const to = number || (site?.numbers[0]?.number ?? "");
  const inCall = status === "dialling" || status === "talking";
  const choose = (phone: string) => {
    localStorage.setItem(CALLER_KEY, phone);
    setCaller(phone);
  };

  return (
    <div className="callpage">
      <header className="callpage-top">
        <Logo size={26} />
        <b>{t("phonepage.title")}</b>
        <span className="callpage-lead">{t("phonepage.lead")}</span>
        <span className="spacer" />
        {site && <span className="num callpage-lines">{t("phonepage.lines", site as never)}</span>}
        <a href="/" target="_blank" rel="noreferrer">
          {t("phonepage.desktop")} ↗
        </a>
        <LanguageSwitch />
        <ThemeSwitch />
      </header>
      {unusable && !site ? (
        <div className="card callpage-off">
          <Empty
            icon={<PhoneFilled />}
            title={unusable === "demo_off" ? t("phonepage.off") : sentence(unusable)}
            hint={unusable === "demo_off" ? t("phonepage.off_hint") : ""}
          />
        </div>
      ) : (
        <div className="callpage-body">
          {site && <Callers site={site} value={from} onChange={choose} locked={inCall} />}
          <Phone site={site} from={from} to={to} onNumber={setNumber} />
          <Story />
        </div>
      )}
    </div>
  );
}

function Callers({
  site,
  value,
  onChange,
  locked,
}: {
  site: DemoSite;
  value: string;
  onChange: (phone: string) => void;
  locked: boolean;
}) {
  const t = useT();
  const [typed, setTyped] = useState("");
  const list = site.callers.filter(({ phone, customer }) =>
    finds(typed.replace(/\s/g, ""), customer?.name ?? "", `${phone} ${customer?.code ?? ""}`),
  );
  return (
    <section className="card callers">
      <h2>{t("phonepage.who")}</h2>
      {site.callers.length > 8 && (
        <Input
          className="callers-search"
          prefix={<SearchOutlined />}
          allowClear
          placeholder={t("phonepage.search")}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      )}
      <div className="callers-list" role="radiogroup" data-testid="caller-select" aria-label={t("phonepage.who")}>
        {list.map(({ phone, customer }) => (
          <label
            key={phone}
            className={`caller${phone === value ? " caller-on" : ""}${locked ? " caller-locked" : ""}`}
            data-testid={`caller-${phone}`}
          >
            <input
              type="radio"
              name="caller"
              value={phone}
              checked={phone === value}
              disabled={locked}
              onChange={() => onChange(phone)}
            />
            <span className="caller-face" aria-hidden="true">
              {customer ? customer.name.slice(0, 1) : <UserOutlined />}
            </span>
            <span className="caller-text">
              <b>{customer?.name ?? t("call.unknown")}</b>
              <small className="num">{phoneNumber(phone)}</small>
            </span>
            <span className="caller-marks">
              <ClassMarks classes={customer?.classes.slice(0, 1) ?? []} />
            </span>
          </label>
        ))}
      </div>
    </section>
  );
}

function Phone({
  site,
  from,
  to,
  onNumber,
}: {
  site: DemoSite | null;
  from: string;
  to: string;
  onNumber: (number: string) => void;
}) {
  const t = useT();
  const { status, phone, problem, digits, startedAt, endedAt } = useCustomer();
  const inCall = status === "dialling" || status === "talking";
  const talking = status === "talking";
  const muted = phone.call?.muted ?? false;
  const elapsed = useTicking(() =>
    status === "talking" ? Math.floor(Date.now() / 1000 - startedAt) : Math.floor(Math.max(0, endedAt - startedAt)),
  );
  const trouble = problem
    ? has(`phonepage.${problem}`)
      ? t(`phonepage.${problem}`)
      : sentence(problem)
    : phone.problem
      ? t(`banner.${phone.problem}`)
      : "";
  return (
    <section className={`card handset handset-${status}`}>
      <div className="handset-screen">
        <div className="handset-number">
          {inCall || (site?.numbers.length ?? 0) < 2 ? (
            <>
              <b className="num">{to}</b>
              <small>{pick(site?.numbers.find((entry) => entry.number === to)?.name)}</small>
            </>
          ) : (
            <Select
              value={to}
              onChange={onNumber}
              aria-label={t("phonepage.number")}
              options={site?.numbers.map((entry) => ({
                value: entry.number,
                label: `${entry.number} · ${pick(entry.name)}`,
              }))}
            />
          )}
        </div>
        <div className="handset-status" data-testid="call-status" data-status={status} role="status">
          <i className="dot" />
          {t(`phonepage.${status}`)}
          {(talking || status === "ended") && <time className="num">{duration(elapsed)}</time>}
        </div>
        <Captions />
        <div className="meters">
          <Meter label={t("phonepage.them")} which="remote" live={talking} />
          <Meter label={t("phonepage.you")} which="local" live={talking && !muted} />
        </div>
        {trouble && (
          <p className="handset-trouble" role="alert">
            {trouble}
            {phone.problem === "audio_blocked" && (
              <Button size="small" onClick={() => void customerPhone.unblockAudio()}>
                {t("banner.unblock")}
              </Button>
            )}
          </p>
        )}
      </div>
      <div className="handset-digits num" aria-live="polite">
        {digits || " "}
      </div>
      <Keypad onKey={press} disabled={!talking} />
      <div className="handset-actions">
        {inCall ? (
          <>
            <Button
              shape="circle"
              className={`round${muted ? " round-on" : ""}`}
              data-testid="mute-call"
              disabled={!talking}
              aria-pressed={muted}
              aria-label={t(muted ? "phonepage.unmute" : "phonepage.mute")}
              title={t(muted ? "phonepage.unmute" : "phonepage.mute")}
              icon={muted ? <AudioMutedOutlined /> : <AudioOutlined />}
              onClick={() => customerPhone.mute(!muted)}
            />
            <Button className="big stop" data-testid="hangup-call" icon={<HangUpIcon />} onClick={hangUp}>
              {t("phonepage.hangup")}
            </Button>
          </>
        ) : (
          <Button
            className="big go"
            data-testid="dial"
            icon={<PhoneFilled />}
            disabled={!from || !to}
            onClick={() => void dial(from, to)}
          >
            {t(status === "ended" ? "phonepage.again" : "phonepage.dial")}
          </Button>
        )}
      </div>
    </section>
  );
}

/** What the caller hears when no prompt plays: music in the queue, a person, music on hold; "" = a prompt, or nothing. */
function phaseOf(story: StoryItem[]): "" | "queue" | "agent" | "hold" {
  for (const { kind } of [...story].reverse()) {
    if (kind === "prompt" || kind === "digit") return "";
    if (kind === "queue" || kind === "offer" || kind === "ring") return "queue";
    if (kind === "talk") return "agent";
    if (kind === "hold") return "hold";
  }
  return "";
}

/** What the system says now, and the sentence before it. */
function Captions() {
  const t = useT();
  const { story, status } = useCustomer();
  const prompts = story.filter((item) => item.kind === "prompt").slice(-2);
  const phase = status === "talking" ? phaseOf(story) : "";
  const now = phase ? undefined : prompts.at(-1);
  const before = phase ? prompts.at(-1) : prompts.length > 1 ? prompts[0] : undefined;
  const idle = t(status === "dialling" || status === "talking" ? "phonepage.caption_wait" : "phonepage.caption_idle");
  return (
    <div className="captions" data-testid="captions" aria-live="polite">
      {before && <p className="caption-before">{pick(before.text)}</p>}
      <p key={now?.at ?? phase} className={now ? "caption" : "caption caption-none"} data-phase={phase}>
        {now ? pick(now.text) : phase ? t(`phonepage.phase_${phase}`) : idle}
      </p>
    </div>
  );
}

function Meter({ label, which, live }: { label: string; which: "local" | "remote"; live: boolean }) {
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!live) {
      if (bar.current) bar.current.style.transform = "scaleX(0)";
      return;
    }
    let stream: MediaStream | null = null;
    let reading: ReturnType<typeof meter> | null = null;
    let frame = 0;
    let shown = 0;
    const draw = () => {
      const now = which === "local" ? customerPhone.localStream : customerPhone.remoteStream;
      if (now !== stream) {
        reading?.stop();
        stream = now;
        reading = now && now.getAudioTracks().length > 0 ? meter(now) : null;
      }
      const level = reading?.level() ?? 0;
      // Up at once, down slowly: the eye reads words, not waves.
      shown = Math.max(level, shown * 0.92);
      if (bar.current) {
        bar.current.style.transform = `scaleX(${shown.toFixed(3)})`;
        bar.current.dataset["level"] = shown.toFixed(2);
      }
      frame = requestAnimationFrame(draw);
    };
    draw();
    return () => {
      cancelAnimationFrame(frame);
      reading?.stop();
    };
  }, [live, which]);
  return (
    <div className="meter">
      <span>
        {which === "local" ? <AudioOutlined /> : <SoundOutlined />} {label}
      </span>
      <div className="meter-track">
        <div ref={bar} className={`meter-bar meter-${which}`} data-testid={`meter-${which}`} />
      </div>
    </div>
  );
}

const FOLD_KEY = "hollyhock.demo-story";

function Story() {
  const t = useT();
  const language = useLanguage();
  const story = useCustomer((state) => state.story);
  const [open, setOpen] = useState(localStorage.getItem(FOLD_KEY) !== "folded");
  const list = useRef<HTMLOListElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new line moves the list
  useEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight, behavior: "smooth" });
  }, [story.length]);
  const toggle = () => {
    localStorage.setItem(FOLD_KEY, open ? "folded" : "open");
    setOpen(!open);
  };
  return (
    <section className={`card story${open ? "" : " story-folded"}`} data-testid="story">
      <header>
        <h2>{t("phonepage.story")}</h2>
        <Button
          type="text"
          size="small"
          className="quiet"
          icon={open ? <UpOutlined /> : <DownOutlined />}
          aria-expanded={open}
          onClick={toggle}
        >
          {t(open ? "phonepage.story_hide" : "phonepage.story_show")}
        </Button>
      </header>
      {open &&
        (story.length === 0 ? (
          <div className="story-hint">
            <p>{t("phonepage.story_hint")}</p>
            <ol className="story-try">
              {[1, 2, 3, 4].map((step) => (
                <li key={step}>
                  <b>{step}</b>
                  <span>{t(`phonepage.try_${step}`)}</span>
                </li>
              ))}
            </ol>
          </div>
        ) : (
          <ol ref={list}>
            {story.map((item, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the list only grows
              <Line key={i} item={item} since={story[0]?.at ?? item.at} language={language} />
            ))}
          </ol>
        ))}
    </section>
  );
}

function Line({ item, since, language }: { item: StoryItem; since: number; language: "zh" | "en" }) {
  const t = useT();
  return (
    <li className={`line line-${item.kind}`}>
      <time className="num" title={clockTime(item.at, language)}>
        {sinceStart(item.at - since)}
      </time>
      <span className="line-kind">{has(`story.${item.kind}`) ? t(`story.${item.kind}`) : item.kind}</span>
      <span className="line-text">{pick(item.text)}</span>
    </li>
  );
}
