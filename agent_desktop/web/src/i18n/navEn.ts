/** English texts of the navigation of leads' and administrators' pages. The same keys as navZh.ts. */
import type { NavTexts } from "./navZh";

export const navEn: NavTexts = {
  label: "Pages of team leads and administrators",
  floor: "Floor",
  calls: "Calls",
  waiting: "Who waits",
  queues: "Queues",
  callbacks: "Callbacks",
  wallboard: "Wallboard",
  admin: "Configuration",
  desktop: "Agent desktop",
  acts: "Actions",
  logout: "Log out",
  not_you: "This page is for team leads and administrators",
  not_you_admin: "Only administrators may open this page",
  not_you_lead: "Only team leads may open this page",
  not_you_hint: "Log in with an account that may.",
};
