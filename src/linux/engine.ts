/** What the engine's host hands to TypeScript besides the kernel: the command line, named variables, lazy modules. */
import { load as loadBytecode } from "host";

export {
  argv,
  build,
  callerUmask,
  coreLimit,
  decodeUtf8,
  encodeUtf8,
  environ,
  restInNextCall,
  sealed,
  sha256,
} from "host";

let held: Readonly<Record<string, unknown>> = {};

/** For the release, whose main module has others in itself (tools/bundle.mjs): their namespaces by name. */
export function hold(modules: Readonly<Record<string, unknown>>): void {
  held = modules;
}

/** The namespace of a module by the path of its source below src, without the extension; read and evaluated at the first call. */
export function load(name: string): unknown {
  return held[name] ?? loadBytecode(name);
}
