/** Two languages, switched live. Site data carries both languages itself (`pick`). */
import i18next from "i18next";
import { useSyncExternalStore } from "react";
import type { Text } from "../engine/types";
import { en } from "./en";
import { zh } from "./zh";

export type Language = "zh" | "en";
const KEY = "hollyhock.language";

function first(): Language {
  const chosen = localStorage.getItem(KEY);
  if (chosen === "zh" || chosen === "en") return chosen;
  return navigator.language.toLowerCase().startsWith("en") ? "en" : "zh";
}

void i18next.init({
  lng: first(),
  fallbackLng: "zh",
  resources: { zh: { translation: zh }, en: { translation: en } },
  interpolation: { escapeValue: false },
  initAsync: false,
});

const apply = () => {
  document.documentElement.lang = i18next.language === "en" ? "en" : "zh-CN";
};
apply();
i18next.on("languageChanged", apply);

export function setLanguage(language: Language): void {
  localStorage.setItem(KEY, language);
  void i18next.changeLanguage(language);
}

export function language(): Language {
  return i18next.language === "en" ? "en" : "zh";
}

const subscribe = (changed: () => void) => {
  i18next.on("languageChanged", changed);
  return () => i18next.off("languageChanged", changed);
};

export function useLanguage(): Language {
  return useSyncExternalStore(subscribe, language);
}

/** The translate function; the component is drawn again when the language changes. */
export function useT(): (key: string, values?: Record<string, unknown>) => string {
  useLanguage();
  return translate;
}

export function translate(key: string, values?: Record<string, unknown>): string {
  return i18next.t(key, values ?? {});
}

export function has(key: string): boolean {
  return i18next.exists(key);
}

/** Site data in the chosen language. */
export function pick(text: Text | null | undefined): string {
  if (!text) return "";
  return typeof text === "string" ? text : text[language()] || text.zh || text.en || "";
}
