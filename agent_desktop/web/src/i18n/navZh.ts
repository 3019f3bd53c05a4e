/** 班长和管理员页面的导航。键与 navEn.ts 相同。 */
export const navZh = {
  label: "班长与管理员页面",
  floor: "现场",
  calls: "通话",
  waiting: "谁在排队",
  queues: "队列",
  callbacks: "回呼",
  wallboard: "大屏",
  admin: "系统配置",
  desktop: "坐席工作台",
  acts: "操作",
  logout: "退出登录",
  not_you: "此页面仅供班长和管理员使用",
  not_you_admin: "只有管理员可以打开此页",
  not_you_lead: "只有班长可以打开此页",
  not_you_hint: "请用有权限的账号登录。",
};
export type NavTexts = typeof navZh;
