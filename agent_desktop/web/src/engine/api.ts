/** HTTP to the server: JSON in, JSON out, the CSRF token on everything that changes something. */
import type {
  CallRecord,
  Day,
  DemoGrant,
  DemoSite,
  DeviceGrant,
  Directory,
  Login,
  MissedOffer,
  PhoneChoice,
} from "./types";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    /** The whole answer, for who wants more than the code. */
    readonly body: Record<string, unknown> | null = null,
  ) {
    super(detail || code);
  }
}

let csrf = "";

export async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    const headers: Record<string, string> = {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (method !== "GET" && csrf) headers["X-CSRF-Token"] = csrf;
    response = await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError(0, "server_away", "");
  }
  const data = (await response.json().catch(() => null)) as Record<string, unknown> | null;
  if (!response.ok) {
    const code = typeof data?.["code"] === "string" ? data["code"] : response.status >= 500 ? "server_away" : "failed";
    throw new ApiError(response.status, code, String(data?.["message"] ?? ""), data);
  }
  return data as T;
}

async function entered(login: Promise<Login>): Promise<Login> {
  const me = await login;
  csrf = me.csrf;
  return me;
}

export const api = {
  me: () => entered(request<Login>("GET", "/api/v1/me")),
  login: (user: string, password: string) =>
    entered(request<Login>("POST", "/api/v1/login", { user: user.trim(), password })),
  logout: () => request<unknown>("POST", "/api/v1/logout", {}),
  device: (instance: string, lease: string | null, takeOver: boolean) =>
    request<DeviceGrant>("POST", "/api/v1/device", { instance, lease, take_over: takeOver }),
  directory: () => request<Directory>("GET", "/api/v1/directory"),
  phones: async () => (await request<{ phones: PhoneChoice[] }>("GET", "/api/v1/phones")).phones,
  calls: async (limit = 50, before?: number, search = "") => {
    const query = new URLSearchParams({ limit: String(limit) });
    if (before) query.set("before", String(before));
    if (search) query.set("search", search);
    return (await request<{ calls: CallRecord[] }>("GET", `/api/v1/calls?${query}`)).calls;
  },
  day: (since: number) => request<Day>("GET", `/api/v1/day?since=${since}`),
  missed: async () => (await request<{ missed: MissedOffer[] }>("GET", "/api/v1/missed")).missed,
  recording: (conversation: string) => `/api/v1/recordings/${encodeURIComponent(conversation)}`,
  demo: () => request<DemoSite>("GET", "/api/v1/demo"),
  demoCall: (caller: string, number: string) => request<DemoGrant>("POST", "/api/v1/demo/calls", { caller, number }),
};

export function socketUrl(path: string): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
}
