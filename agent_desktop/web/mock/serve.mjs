/** The built page with the mock behind it: `npm run build && npm run mock -- 5180`. */
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { createMock } from "./mock.mjs";

const root = fileURLToPath(new URL("../../static/", import.meta.url));
const port = Number(process.argv[2] ?? 5180);
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

const mock = createMock();
const server = createServer((request, response) => {
  if (mock.handleRequest(request, response)) return;
  const path = normalize(new URL(request.url, "http://mock").pathname);
  const file = path === "/" || path === "/call" ? join(root, "index.html") : join(root, path);
  if (!file.startsWith(root) || !existsSync(file)) {
    response.writeHead(404);
    response.end();
    return;
  }
  response.writeHead(200, { "Content-Type": types[extname(file)] ?? "application/octet-stream" });
  createReadStream(file).pipe(response);
});
server.on("upgrade", (request, socket, head) => mock.handleUpgrade(request, socket, head) || socket.destroy());
server.listen(port, "127.0.0.1", () => console.log(`mock on http://127.0.0.1:${port} (1001 / demo)`));
