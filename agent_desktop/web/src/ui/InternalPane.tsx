/** A call between colleagues: who it is. No customer, no note, no wrap-up. */
import { TeamOutlined } from "@ant-design/icons";
import type { WorkDoc } from "../engine/types";
import { pick, useT } from "../i18n";
import { Empty } from "./parts";

export function InternalPane({ work }: { work: WorkDoc }) {
  const t = useT();
  const name = pick(work.partner?.name);
  const word = work.partner?.calls ? "dial.partner_calls" : "dial.partner_called";
  return (
    <div className="card" data-testid="internal">
      <Empty icon={<TeamOutlined />} title={t(word, { name })} hint={t("dial.partner_hint")} />
    </div>
  );
}
