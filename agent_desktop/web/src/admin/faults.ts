/** The server's faults are English sentences; here they are in the language of the page, as far as they are known. */
import { language } from "../i18n";

const ZH: [RegExp, string][] = [
  [/^(.+) is not between (.+) and (.+)$/, "$1 应在 $2 到 $3 之间"],
  [/^level (.+) of (.+) is not between (.+) and (.+)$/, "技能 $2 的等级 $1 应在 $3 到 $4 之间"],
  [/^(.+) is not a skill of any agent$/, "没有坐席具备技能 $1"],
  [/^(.+) is not an? (?:queue|agent|group|calendar|phone|flow|prompt).*$/, "没有名为 $1 的项"],
  [/^(.+) is there twice$/, "$1 重复"],
  [/^(.+) is not a good (?:id|number)$/, "$1 不能用作编号"],
  [/^unknown key.*$/, "没有这个字段"],
  [/^object missing required field `(.+)`$/, "缺少 $1"],
  [/^expected `(.+)`, got `(.+)`$/, "类型应为 $1，而不是 $2"],
  [/^expected (.+), found the end$/, "表达式不完整"],
  [/^expected (.+), found (.+)$/, "此处不应是 $2"],
  [/^did not expect (.+)$/, "不应有 $1"],
  [/^cannot be read from (.+) on$/, "从 $1 起无法识别"],
  [/^(.+) is not like (.+)$/, "$1 的格式应为 $2"],
  [/^there is one of this name already$/, "已有同名的项"],
  [/^there is no such row \(any more\)$/, "该项已不存在"],
  [/^control characters cannot be used$/, "不能使用控制字符"],
  [/^this version is not kept any more$/, "该版本已不再保存"],
  [/^the file is not valid TOML: (.+)$/, "文件不是有效的 TOML：$1"],
];

export function faultText(message: string): string {
  if (language() === "en") return message;
  for (const [pattern, words] of ZH) if (pattern.test(message)) return message.replace(pattern, words);
  return message;
}
