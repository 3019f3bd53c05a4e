/** The screen: React and Ant Design. Loaded by main.ts, which starts the agent's engine first. */
import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import "./ui/base.css";
import { Themed } from "./ui/Themed";

const PAGES = {
  call: lazy(() => import("./call/CallPage").then((module) => ({ default: module.CallPage }))),
  admin: lazy(() => import("./admin/AdminPage").then((module) => ({ default: module.AdminPage }))),
  calls: lazy(() => import("./lead/CallsPage").then((module) => ({ default: module.CallsPage }))),
  floor: lazy(() => import("./lead/FloorPage").then((module) => ({ default: module.FloorPage }))),
  wall: lazy(() => import("./wall/WallPage").then((module) => ({ default: module.WallPage }))),
  callbacks: lazy(() => import("./lead/CallbacksPage").then((module) => ({ default: module.CallbacksPage }))),
  queues: lazy(() => import("./lead/QueuesPage").then((module) => ({ default: module.QueuesPage }))),
  waiting: lazy(() => import("./lead/WaitingPage").then((module) => ({ default: module.WaitingPage }))),
  desktop: lazy(() => import("./ui/Desktop").then((module) => ({ default: module.AgentPage }))),
};

export function draw(page: keyof typeof PAGES): void {
  const root = document.getElementById("root");
  if (!root) return;
  const Page = PAGES[page];
  createRoot(root).render(
    <StrictMode>
      <Themed>
        <Suspense fallback={null}>
          <Page />
        </Suspense>
      </Themed>
    </StrictMode>,
  );
}
