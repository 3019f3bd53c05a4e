/** What all pages of team leads and administrators have in common: who may enter, and one header with the way around. */
import { LockOutlined, LogoutOutlined } from "@ant-design/icons";
import { App, Button } from "antd";
import i18next from "i18next";
import { type ReactNode, useEffect, useState } from "react";
import { api } from "../engine/api";
import type { Login } from "../engine/types";
import { pick, useT } from "../i18n";
import { navEn } from "../i18n/navEn";
import { navZh } from "../i18n/navZh";
import { LoginPage } from "../ui/LoginPage";
import { Empty, Logo } from "../ui/parts";
import { LanguageSwitch, ThemeSwitch } from "../ui/switches";
import { type LeadPlace, maySee, PATHS, placesOf } from "./pages";
import "./lead.css";

i18next.addResourceBundle("zh", "translation", { nav: navZh }, true);
i18next.addResourceBundle("en", "translation", { nav: navEn }, true);

/** What a page knows of whoever is in it; `ended`: its login is over, as a live link hears first. */
export interface Inside {
  who: Login;
  ended: () => void;
}

/**
 * `tools`: the page's own things in the header, left of the name. `bare`: without a header (a wallboard). `mayLeave`: asked
 * before the log-out.
 */
export function LeadPage({
  place,
  bare = false,
  tools,
  mayLeave,
  children,
}: {
  place: LeadPlace;
  bare?: boolean;
  tools?: (inside: Inside) => ReactNode;
  mayLeave?: () => boolean;
  children: (inside: Inside) => ReactNode;
}) {
  const t = useT();
  /** Undefined: not known yet; null: nobody. */
  const [who, setWho] = useState<Login | null | undefined>(undefined);
  const title = t(`nav.${place}`);
  useEffect(() => {
    document.title = `Hollyhock · ${title}`;
  }, [title]);
  useEffect(() => {
    api.me().then(setWho, () => setWho(null));
  }, []);
  if (who === undefined) return null;
  if (who === null)
    return <LoginPage page={title} enter={async (user, password) => setWho(await api.login(user, password))} />;
  if (!maySee(who.role, place))
    return (
      <div className="waiting" data-testid="not-you">
        <Empty
          icon={<LockOutlined />}
          title={t(place === "admin" ? "nav.not_you_admin" : place === "calls" ? "nav.not_you_lead" : "nav.not_you")}
          hint={t("nav.not_you_hint")}
        >
          <Button href="/">{t("nav.desktop")}</Button>
        </Empty>
      </div>
    );
  const inside: Inside = { who, ended: () => setWho(null) };
  const out = () => {
    if (mayLeave?.() ?? true) void api.logout().finally(inside.ended);
  };
  if (bare) return children(inside);
  return (
    <App className="lead">
      {place !== "admin" && <h1 className="sr-only">{title}</h1>}
      <header className="lead-bar">
        <Logo size={26} />
        <nav aria-label={t("nav.label")} className="lead-nav">
          {placesOf(who.role).map((each) => (
            <a
              key={each}
              href={PATHS[each]}
              data-testid={`to-${each}`}
              aria-current={each === place ? "page" : undefined}
            >
              {t(`nav.${each}`)}
            </a>
          ))}
          {who.agent && (
            <a href="/" data-testid="to-desktop">
              {t("nav.desktop")}
            </a>
          )}
        </nav>
        <span className="spacer" />
        {tools?.(inside)}
        <span className="lead-who">
          {pick(who.name)} <span className="num">{who.user}</span>
        </span>
        <LanguageSwitch />
        <ThemeSwitch />
        <Button
          type="text"
          className="quiet"
          icon={<LogoutOutlined />}
          aria-label={t("nav.logout")}
          title={t("nav.logout")}
          data-testid="logout"
          onClick={out}
        />
      </header>
      {children(inside)}
    </App>
  );
}
