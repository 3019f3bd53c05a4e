import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** `HOLLYHOCK_DEV` names a running server to develop against; without it the scripted mock answers. */
const server = process.env["HOLLYHOCK_DEV"];

function mockServer(): Plugin {
  return {
    name: "hollyhock-mock",
    apply: "serve",
    async configureServer(vite) {
      const { createMock } = await import("./mock/mock.mjs");
      const mock = createMock();
      vite.middlewares.use((request, response, next) => {
        if (!mock.handleRequest(request, response)) next();
      });
      vite.httpServer?.on("upgrade", (request, socket, head) => {
        mock.handleUpgrade(request, socket, head);
      });
    },
  };
}

export default defineConfig({
  plugins: [react(), ...(server || process.env["VITEST"] ? [] : [mockServer()])],
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
    // One chunk for each part that is loaded on its own; the first load is measured by `npm run size`.
    chunkSizeWarningLimit: 1500,
  },
  server: server
    ? { proxy: { "/api": { target: server, ws: true }, "/sip": { target: server, ws: true }, "/healthz": server } }
    : {},
});
