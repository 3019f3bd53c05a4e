import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import "./ui/base.css";
import { Themed } from "./ui/Themed";

const customer = location.pathname.replace(/\/+$/, "") === "/call";
const Page = customer
  ? lazy(() => import("./call/CallPage").then((module) => ({ default: module.CallPage })))
  : lazy(() => import("./ui/Desktop").then((module) => ({ default: module.AgentPage })));

const root = document.getElementById("root");
if (root) {
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
