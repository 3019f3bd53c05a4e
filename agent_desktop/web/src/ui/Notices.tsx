/** What a lead tells the agent: a message, or which state somebody has set. It stays until he says that he has read it. */
import { BellFilled } from "@ant-design/icons";
import { Button } from "antd";
import { command } from "../engine/desktop";
import { meOf, siteOf, useApp } from "../engine/store";
import { useLanguage, useT } from "../i18n";
import { clockTime } from "./format";
import { named } from "./parts";

export function Notices() {
  const t = useT();
  const language = useLanguage();
  const notices = useApp((state) => meOf(state)?.notices);
  const site = useApp(siteOf);
  const notice = notices?.at(-1);
  if (!notice) return null;
  const text = notice.kind === "not_ready" ? named(site?.reasons, notice.text) : notice.text;
  return (
    <div className="banner banner-note" role="alert" data-testid="notice" data-kind={notice.kind} data-by={notice.by}>
      <BellFilled />
      <span>
        {t(`notices.${notice.kind}`, { by: notice.by, text })}
        <time className="num"> {clockTime(notice.at, language)}</time>
      </span>
      {notices && notices.length > 1 && <b className="num">+{notices.length - 1}</b>}
      <Button
        size="small"
        type="primary"
        data-testid="notice-read"
        onClick={() => void command("ReadNotice", { notice: notice.id })}
      >
        {t("notices.read")}
      </Button>
    </div>
  );
}
