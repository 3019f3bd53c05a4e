/** Which device is my phone: this browser, or one of the site's desk phones with its state. One click chooses. */
import { CheckOutlined, LaptopOutlined, PhoneOutlined } from "@ant-design/icons";
import { Button, Input } from "antd";
import { type ReactNode, useEffect, useState } from "react";
import { api } from "../engine/api";
import type { DeskChoice } from "../engine/desktop";
import { asNumber } from "../engine/dialled";
import { meOf, siteOf, useApp } from "../engine/store";
import type { PhoneChoice } from "../engine/types";
import { pick, useT } from "../i18n";

/** So many phones fit without a search. */
const FEW = 8;

/** `chosen`: "" is this browser. While a call is up nothing may be chosen: it would be torn from one ear to the other. */
export function DeviceChoice({
  chosen,
  disabled,
  onChoose,
}: {
  chosen: string | null;
  disabled?: boolean;
  onChoose: (phone: PhoneChoice | null) => void;
}) {
  const t = useT();
  const [phones, setPhones] = useState<PhoneChoice[] | null>(null);
  const [failed, setFailed] = useState(false);
  const [search, setSearch] = useState("");
  useEffect(() => {
    api.phones().then(setPhones, () => setFailed(true));
  }, []);
  const outside = useApp((state) => siteOf(state)?.outside ?? false);
  const found = (phones ?? []).filter((phone) =>
    `${phone.id} ${pick(phone.name)}`.toLowerCase().includes(search.trim().toLowerCase()),
  );
  return (
    <fieldset className="devices" data-testid="device-choice">
      <legend>{t("device.title")}</legend>
      {(phones?.length ?? 0) > FEW && (
        <Input
          size="small"
          value={search}
          placeholder={t("device.search")}
          data-testid="device-search"
          onChange={(event) => setSearch(event.target.value)}
        />
      )}
      <div className="device-rows">
        <Row
          id="browser"
          icon={<LaptopOutlined />}
          name={t("device.browser")}
          word={t("device.headset")}
          chosen={chosen === ""}
          {...(disabled && { disabled })}
          onClick={() => onChoose(null)}
        />
        {found.map((phone) => (
          <Row
            key={phone.id}
            id={phone.id}
            icon={<PhoneOutlined />}
            name={pick(phone.name)}
            {...wordOf(phone, t)}
            chosen={chosen === phone.id}
            disabled={disabled || phone.in_call}
            onClick={() => onChoose(phone)}
          />
        ))}
      </div>
      {outside && <OutsideRow chosen={chosen} {...(disabled && { disabled })} onChoose={onChoose} />}
      {failed && <p className="phone-problem">{t("device.failed")}</p>}
      {disabled && <p className="phone-hint">{t("device.in_talk")}</p>}
    </fieldset>
  );
}

/** What is asked of the server for a phone of the list. */
export function deskChoice(phone: PhoneChoice): DeskChoice {
  return { id: phone.id, takeOver: phone.user !== null, ...(phone.outside && { outside: true }) };
}

/** An outside number: the one that the site has for him, or another. Calls are taken there by a key. */
function OutsideRow({
  chosen,
  disabled,
  onChoose,
}: {
  chosen: string | null;
  disabled?: boolean;
  onChoose: (phone: PhoneChoice) => void;
}) {
  const t = useT();
  const own = useApp((state) => meOf(state)?.own_number ?? "");
  const [number, setNumber] = useState(own);
  const written = asNumber(number);
  const choose = () => {
    if (!written || disabled) return;
    const name = { zh: `外线 ${written}`, en: `outside line ${written}` };
    onChoose({ id: written, name, there: true, own: false, user: null, in_call: false, outside: true });
  };
  return (
    <div className="device-outside" data-chosen={written !== "" && chosen === written}>
      <Input
        value={number}
        prefix={<PhoneOutlined />}
        disabled={disabled ?? false}
        placeholder={t("device.outside")}
        aria-label={t("device.outside")}
        data-testid="device-number"
        onChange={(event) => setNumber(event.target.value)}
        onPressEnter={choose}
      />
      <Button data-testid="device-outside" disabled={disabled || !written} onClick={choose}>
        {t("device.use")}
      </Button>
      <p className="phone-hint">{t("device.outside_hint")}</p>
    </div>
  );
}

function wordOf(phone: PhoneChoice, t: ReturnType<typeof useT>): { word: string; tone: string } {
  const user = pick(phone.user);
  if (phone.in_call) return { word: t("device.in_call", { user }), tone: "bad" };
  if (phone.user) return { word: t("device.take_over", { user }), tone: "wait" };
  return phone.there ? { word: t("device.there"), tone: "ok" } : { word: t("device.not_there"), tone: "bad" };
}

function Row({
  id,
  icon,
  name,
  word,
  tone = "",
  chosen,
  disabled,
  onClick,
}: {
  id: string;
  icon: ReactNode;
  name: string;
  word: string;
  tone?: string;
  chosen: boolean;
  disabled?: boolean;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      className={`device-row ${tone}${chosen ? " chosen" : ""}`}
      data-testid={`device-${id}`}
      data-chosen={chosen}
      aria-pressed={chosen}
      disabled={disabled}
      onClick={onClick}
    >
      <span className="device-icon">{chosen ? <CheckOutlined /> : icon}</span>
      <span className="device-name">{name}</span>
      <span className="device-word">{word}</span>
    </button>
  );
}
