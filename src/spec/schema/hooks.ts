/** Programs of the caller that run beside the container's life (config.md, "POSIX-platform Hooks"). */
import { int, list, object, opt, text, texts } from "./values.ts";

export const Hook = object({
  path: text,
  args: opt(texts),
  env: opt(texts),
  /** Seconds. */
  timeout: opt(int(1, 0x7fff_ffff)),
});

const hooks = opt(list(Hook));

export const Hooks = object({
  prestart: hooks,
  createRuntime: hooks,
  createContainer: hooks,
  startContainer: hooks,
  poststart: hooks,
  poststop: hooks,
});
