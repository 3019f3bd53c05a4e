import { MoonOutlined, SunOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { setLanguage, useLanguage, useT } from "../i18n";
import { useMode } from "./Themed";

export function LanguageSwitch() {
  const language = useLanguage();
  const other = language === "zh" ? "en" : "zh";
  return (
    <Button
      type="text"
      className="quiet"
      data-testid="language"
      onClick={() => setLanguage(other)}
      aria-label={other === "en" ? "EN English" : "中文"}
    >
      {other === "en" ? "EN" : "中文"}
    </Button>
  );
}

export function ThemeSwitch() {
  const t = useT();
  const { mode, toggle } = useMode();
  return (
    <Button
      type="text"
      className="quiet"
      data-testid="theme"
      onClick={toggle}
      icon={mode === "dark" ? <SunOutlined /> : <MoonOutlined />}
      aria-label={t(mode === "dark" ? "top.theme_light" : "top.theme_dark")}
      title={t(mode === "dark" ? "top.theme_light" : "top.theme_dark")}
    />
  );
}
