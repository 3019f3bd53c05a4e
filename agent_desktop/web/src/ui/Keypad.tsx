import { useEffect, useRef } from "react";
import { KEYS, keyTone } from "../engine/sound";
import { useT } from "../i18n";
import { useFocusBack } from "./hooks";

const LETTERS: Record<string, string> = {
  "2": "ABC",
  "3": "DEF",
  "4": "GHI",
  "5": "JKL",
  "6": "MNO",
  "7": "PQRS",
  "8": "TUV",
  "9": "WXYZ",
  "0": "+",
};

/** Twelve keys with their tones; the digits of the keyboard work too, unless one types into a field. */
export function Keypad({
  onKey,
  onClose,
  floating = false,
  disabled = false,
}: {
  onKey: (key: string) => void;
  onClose?: () => void;
  floating?: boolean;
  disabled?: boolean;
}) {
  const t = useT();
  const pad = useRef<HTMLDivElement>(null);
  useFocusBack();
  // Digits are for the call from now on, not for the note in which the cursor was.
  useEffect(() => {
    if (floating) pad.current?.focus();
  }, [floating]);
  const press = (key: string) => {
    if (disabled) return;
    keyTone(key);
    onKey(key);
    const button = pad.current?.querySelector<HTMLElement>(`[data-key="${key}"]`);
    button?.animate([{ transform: "scale(0.92)" }, { transform: "scale(1)" }], { duration: 160 });
  };
  const typed = (key: string) => {
    const active = document.activeElement;
    if (active instanceof HTMLInputElement || active instanceof HTMLTextAreaElement) return;
    press(key);
  };
  useEffect(() => {
    if (!floating) return;
    const type = (event: KeyboardEvent) => {
      if (event.key === "Escape") onClose?.();
    };
    window.addEventListener("keydown", type);
    return () => window.removeEventListener("keydown", type);
  }, [floating, onClose]);
  useKeyboardDigits(typed);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be a grid everywhere
    <div
      ref={pad}
      className={`keypad${floating ? " keypad-floating" : ""}`}
      role="group"
      aria-label={t("call.keypad")}
      tabIndex={floating ? -1 : undefined}
      data-testid="keypad-panel"
    >
      {KEYS.map((key) => (
        <button
          key={key}
          type="button"
          data-key={key}
          data-testid={`key-${key}`}
          disabled={disabled}
          onClick={() => press(key)}
        >
          <b>{key}</b>
          <small aria-hidden="true">{LETTERS[key] ?? ""}</small>
        </button>
      ))}
    </div>
  );
}

function useKeyboardDigits(press: (key: string) => void): void {
  const latest = useRef(press);
  latest.current = press;
  useEffect(() => {
    const type = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
      if (KEYS.includes(event.key)) latest.current(event.key);
    };
    window.addEventListener("keydown", type);
    return () => window.removeEventListener("keydown", type);
  }, []);
}
