/** Placeholder main of the native tests. */
import { argv, build, callerUmask, coreLimit, environ, sealed } from "host";
export function main(): number {
  void [argv, build, callerUmask, coreLimit, environ, sealed];
  return 0;
}
