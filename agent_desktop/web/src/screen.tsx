/** The screen: React and Ant Design. Loaded by main.ts, which starts the agent's engine first. */
import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import "./ui/base.css";
import { Themed } from "./ui/Themed";

export function draw(customer: boolean): void {
  const root = document.getElementById("root");
  if (!root) return;
  const Page = customer
    ? lazy(() => import("./call/CallPage").then((module) => ({ default: module.CallPage })))
    : lazy(() => import("./ui/Desktop").then((module) => ({ default: module.AgentPage })));
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
