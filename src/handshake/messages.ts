/**
 * What the host side and init say to each other, all of it.
 *
 *     host side                                init
 *     clone3 ─────────────────────────────────▶ starts
 *       placed    ──▶   in its cgroup, id maps written (only where init has to wait for that)
 *                 ◀──   hooks       the mounts are made: run the prestart and createRuntime hooks
 *       hooked    ──▶   they have run
 *                 ◀──   ready       everything but the program; with a terminal, its master comes along
 *       commit    ──▶   the record is written; `start` set: go on at once (`run`), and the next word is `executing`.
 *                       Where nothing that init says could change it, this is sent early, and `ready` is not said
 *
 *     start
 *       start     ──▶   over a connection to init.sock
 *                 ◀──   starting    it has heard; whether startContainer hooks run first
 *                 ◀──   executing   the program is found and every privilege but the last is gone
 *                 ◀──   listener    only where a filter asks an agent: the descriptor for it comes along
 *                       end of stream: execve has happened (or the filter killed init: its pidfd tells)
 *
 * At any point init may say `failed` and end. A frame is a header of 8 bytes (the letters "BX", the version, 0, the
 * body's length as 32 bits little-endian) and a JSON body. Descriptors travel with the first byte of a frame.
 */
import type { ErrorDetails } from "../base/errors.ts";

/** Raised when a message changes its meaning; a reader refuses any other. */
export const protocolVersion = 1;

/** The largest body, in bytes. What init sends is influenced by the container, so it is bounded. */
export const maxBody = 65536;

export const headerSize = 8;

/** How long the other side may take for one step without hooks, in milliseconds. */
export const stepTimeout = 60_000;

/** From the host side to init. */
export type ToInit =
  | { readonly type: "placed" }
  | { readonly type: "hooked" }
  | { readonly type: "commit"; readonly start: boolean }
  | { readonly type: "start" };

/** From init to the host side. */
export type FromInit =
  | { readonly type: "hooks" }
  | { readonly type: "ready" }
  | { readonly type: "starting"; readonly hooks: boolean }
  /** `filtered`: a system-call filter is loaded next. */
  | { readonly type: "executing"; readonly filtered: boolean }
  | { readonly type: "listener" }
  /** What is to be mounted, by the process that has opened it: a detached tree that comes along, or a link's target. */
  | { readonly type: "source"; readonly linkTo: string | undefined }
  | { readonly type: "failed"; readonly message: string; readonly details: ErrorDetails };

/** How much of each text of a failure is sent, in UTF-16 units: JSON takes up to six bytes for one. */
const longest = { message: 4096, path: 4096, others: 512 } as const;

/** The message that something failed. What is too long for a frame loses its middle: the reason stands at the end. */
export function failure(message: string, details: ErrorDetails): FromInit {
  const entries = Object.entries(details).map(([name, text]) => [
    name,
    shorten(text, name === "path" ? longest.path : longest.others),
  ]);
  return { type: "failed", message: shorten(message, longest.message), details: Object.fromEntries(entries) };
}

function shorten(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit / 2)}…${text.slice(-limit / 2)}`;
}

/** Checks a body that came from init: no more than the words above. */
export function asFromInit(body: unknown): FromInit | undefined {
  const type = typeOf(body);
  if (type === "hooks" || type === "ready" || type === "listener") return { type };
  if (type !== "starting" && type !== "executing" && type !== "source" && type !== "failed") return undefined;
  const { message, details, hooks, filtered, linkTo } = body as Record<string, unknown>;
  if (type === "source") return { type, linkTo: typeof linkTo === "string" ? linkTo : undefined };
  // An init of an older box says nothing of filters: it loads none.
  if (type === "executing") return { type, filtered: filtered === true };
  if (type === "starting") return typeof hooks === "boolean" ? { type, hooks } : undefined;
  return typeof message === "string" ? { type, message, details: asDetails(details) } : undefined;
}

/** Checks a body that came from the host side, or from whoever connects to init.sock. */
export function asToInit(body: unknown): ToInit | undefined {
  const type = typeOf(body);
  if (type === "placed" || type === "hooked" || type === "start") return { type };
  if (type !== "commit") return undefined;
  const { start } = body as Record<string, unknown>;
  return typeof start === "boolean" ? { type, start } : undefined;
}

function typeOf(body: unknown): unknown {
  return typeof body === "object" && body !== null && Object.hasOwn(body, "type")
    ? (body as { type: unknown }).type
    : undefined;
}

const detailNames = ["stage", "syscall", "errno", "path", "hint"] as const;

function asDetails(value: unknown): ErrorDetails {
  if (typeof value !== "object" || value === null) return {};
  const details: Record<string, string> = {};
  for (const name of detailNames) {
    const text: unknown = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
    if (typeof text === "string") details[name] = text;
  }
  return details;
}
