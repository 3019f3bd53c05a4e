import { Button, Input, type InputRef } from "antd";
import { type FormEvent, useRef, useState } from "react";
import { ApiError } from "../engine/api";
import { signInToServer } from "../engine/desktop";
import { useApp } from "../engine/store";
import { useT } from "../i18n";
import { Logo, sentence } from "./parts";
import { LanguageSwitch, ThemeSwitch } from "./switches";
import "./login.css";

const USER_KEY = "hollyhock.user";

/** `enter`: who is let in then; the desktop's own way if nothing is said. `page`: the name of what waits behind. */
export function LoginPage({
  enter = signInToServer,
  page = "",
}: {
  enter?: (user: string, password: string) => Promise<void>;
  page?: string;
}) {
  const t = useT();
  const ended = useApp((state) => state.ended);
  const [user, setUser] = useState(localStorage.getItem(USER_KEY) ?? "");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const passwordField = useRef<InputRef>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!user.trim() || !password || busy) return;
    setBusy(true);
    setProblem("");
    try {
      localStorage.setItem(USER_KEY, user.trim());
      await enter(user, password);
    } catch (error) {
      setProblem(error instanceof ApiError ? error.code : "failed");
      setBusy(false);
      passwordField.current?.select();
    }
  };

  return (
    <main className="login">
      <div className="login-art" aria-hidden="true">
        <Flowers />
      </div>
      <form className="login-card" onSubmit={(event) => void submit(event)}>
        <div className="login-brand">
          <Logo size={40} />
          <span>Hollyhock</span>
        </div>
        <h1>{page ? t("login.title_page", { page }) : t("login.title")}</h1>
        {ended && (
          <p className="login-note" role="status">
            {t("login.ended")}
          </p>
        )}
        <label htmlFor="login-user">{t("login.user")}</label>
        <Input
          id="login-user"
          data-testid="login-user"
          size="large"
          autoComplete="username"
          inputMode="text"
          autoFocus={!user}
          value={user}
          onChange={(event) => setUser(event.target.value)}
        />
        <label htmlFor="login-password">{t("login.password")}</label>
        <Input.Password
          id="login-password"
          data-testid="login-password"
          size="large"
          ref={passwordField}
          autoComplete="current-password"
          autoFocus={Boolean(user)}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <div className="login-problem" role="alert" data-testid="login-problem">
          {problem && sentence(problem)}
        </div>
        <Button type="primary" size="large" block htmlType="submit" data-testid="login-submit" loading={busy}>
          {t("login.submit")}
        </Button>
        <p className="login-hint">{t("login.hint")}</p>
        <div className="login-foot">
          <a href="/call">{t("login.call")} →</a>
          <span className="spacer" />
          <LanguageSwitch />
          <ThemeSwitch />
        </div>
      </form>
    </main>
  );
}

/** A row of hollyhocks, drawn by hand: the house's own flower. */
function Flowers() {
  const stems = [
    { x: 96, top: 250, size: 0.86 },
    { x: 236, top: 96, size: 1.2 },
    { x: 384, top: 300, size: 0.8 },
    { x: 520, top: 168, size: 1.04 },
  ];
  return (
    <svg viewBox="0 0 640 720" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
      {stems.map(({ x, top, size }, n) => (
        <g key={x}>
          <path d={`M${x} 720 C ${x - 12} 600 ${x + 12} 420 ${x} ${top}`} className="stem" />
          {n % 2 === 1 && <Leaf x={x} y={690} turn={-24} size={size} />}
          <Leaf x={x} y={704} turn={-158} size={size * 1.1} />
          {[0, 1, 2, 3, 4].map((i) => {
            const y = top + 8 + i * (58 + i * 8) * size;
            const r = (13 + i * 7.5) * size;
            const cx = x + (i === 0 ? 0 : (i % 2 ? 1 : -1) * (10 + i * 4) * size);
            return <Bloom key={i} x={cx} y={y} r={r} turn={i * 31 + x} open={i > 0} />;
          })}
        </g>
      ))}
    </svg>
  );
}

function Leaf({ x, y, turn, size }: { x: number; y: number; turn: number; size: number }) {
  return (
    <g transform={`translate(${x} ${y}) rotate(${turn}) scale(${size})`}>
      <path d="M0 0C26 -40 78 -46 126 -6C84 30 30 34 0 0Z" className="leaf" />
      <path d="M8 -2C44 -8 80 -9 108 -6" className="vein" />
    </g>
  );
}

function Bloom({ x, y, r, turn, open }: { x: number; y: number; r: number; turn: number; open: boolean }) {
  return (
    <g transform={`translate(${x} ${y}) rotate(${turn})`}>
      {[0, 72, 144, 216, 288].map((angle) => (
        <ellipse
          key={angle}
          cy={-r * 0.55}
          rx={r * 0.56}
          ry={r * 0.62}
          transform={`rotate(${angle})`}
          className="petal"
        />
      ))}
      {open && <circle r={r * 0.5} className="eye" />}
      {open && <circle r={r * 0.2} className="pollen" />}
    </g>
  );
}
