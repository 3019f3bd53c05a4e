import { Button, Input, type InputRef } from "antd";
import { type FormEvent, useRef, useState } from "react";
import { ApiError } from "../engine/api";
import { signInToServer } from "../engine/desktop";
import { useApp } from "../engine/store";
import { useT } from "../i18n";
import { Logo, sentence } from "./parts";
import { LanguageSwitch, ThemeSwitch } from "./switches";

const USER_KEY = "hollyhock.user";

export function LoginPage() {
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
      await signInToServer(user, password);
    } catch (error) {
      setProblem(error instanceof ApiError ? error.code : "failed");
      setBusy(false);
      passwordField.current?.select();
    }
  };

  return (
    <div className="login">
      <div className="login-art" aria-hidden="true">
        <Flowers />
      </div>
      <form className="login-card" onSubmit={(event) => void submit(event)}>
        <div className="login-brand">
          <Logo size={40} />
          <span>Hollyhock</span>
        </div>
        <h1>{t("login.title")}</h1>
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
        <Button
          type="primary"
          size="large"
          block
          htmlType="submit"
          data-testid="login-submit"
          loading={busy}
          disabled={!user.trim() || !password}
        >
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
    </div>
  );
}

/** A row of hollyhocks, drawn by hand: the house's own flower. */
function Flowers() {
  const stems = [
    { x: 90, top: 150, size: 1 },
    { x: 215, top: 70, size: 1.25 },
    { x: 335, top: 190, size: 0.9 },
    { x: 430, top: 110, size: 1.1 },
  ];
  return (
    <svg viewBox="0 0 520 720" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
      {stems.map(({ x, top, size }) => (
        <g key={x}>
          <path d={`M${x} 720 C ${x - 10} 560 ${x + 14} 400 ${x} ${top}`} className="stem" />
          {[0, 1, 2, 3, 4, 5].map((i) => {
            const y = top + 24 + i * 86 * size;
            const r = (15 + i * 5.2) * size;
            const cx = x + (i % 2 ? 1 : -1) * (8 + i * 3.4) * size;
            return <Bloom key={i} x={cx} y={y} r={r} turn={i * 31 + x} open={i > 0} />;
          })}
          <path d={`M${x} 640 q ${70 * size} -46 ${104 * size} -4 q -40 34 -104 4`} className="leaf" />
          <path d={`M${x} 690 q ${-78 * size} -50 ${-112 * size} -2 q 44 36 112 2`} className="leaf" />
        </g>
      ))}
    </svg>
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
