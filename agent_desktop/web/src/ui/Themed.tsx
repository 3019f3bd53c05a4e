/** Colours, fonts and component language for everything below; dark or light is the user's choice or the system's. */
import { ConfigProvider, theme } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import { type ReactNode, useEffect } from "react";
import { create } from "zustand";
import { useLanguage } from "../i18n";

const KEY = "hollyhock.theme";
type Mode = "light" | "dark";

function firstMode(): Mode {
  const chosen = localStorage.getItem(KEY);
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export const useMode = create<{ mode: Mode; toggle: () => void }>((set, get) => ({
  mode: firstMode(),
  toggle: () => {
    const mode = get().mode === "dark" ? "light" : "dark";
    localStorage.setItem(KEY, mode);
    set({ mode });
  },
}));

const FONT_EN =
  '"Segoe UI", -apple-system, "Helvetica Neue", Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", system-ui, sans-serif';
const FONT_ZH =
  '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", system-ui, "Segoe UI", Roboto, sans-serif';

export function Themed({ children }: { children: ReactNode }) {
  const { mode } = useMode();
  const language = useLanguage();
  useEffect(() => {
    document.documentElement.dataset["theme"] = mode;
  }, [mode]);
  const dark = mode === "dark";
  return (
    <ConfigProvider
      locale={language === "en" ? enUS : zhCN}
      // A space between two Chinese characters of a button looks like a mistake.
      button={{ autoInsertSpace: false }}
      wave={{ disabled: true }}
      theme={{
        algorithm: dark ? theme.darkAlgorithm : theme.defaultAlgorithm,
        token: {
          colorPrimary: dark ? "#9db4e0" : "#2b3d5f",
          colorSuccess: dark ? "#35b8a6" : "#0d8577",
          colorError: dark ? "#ef6b73" : "#c8323c",
          colorBgContainer: dark ? "#1d2129" : "#ffffff",
          colorBgElevated: dark ? "#252a34" : "#ffffff",
          colorBgLayout: dark ? "#14171c" : "#f4f3f0",
          // As readable as any other text: the ratio to the background is at least 4.5.
          colorTextPlaceholder: dark ? "#98a1ae" : "#626a78",
          borderRadius: 8,
          controlHeight: 36,
          fontSize: 14,
          fontFamily: language === "en" ? FONT_EN : FONT_ZH,
        },
        components: {
          Button: { primaryShadow: "none", defaultShadow: "none", primaryColor: dark ? "#10141b" : "#ffffff" },
        },
      }}
    >
      {children}
    </ConfigProvider>
  );
}
