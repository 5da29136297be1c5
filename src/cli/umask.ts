/** Files that the caller asks for by name have the caller's umask; what box makes for itself has box's own, 022. */
import { callerUmask } from "../linux/engine.ts";
import { umask } from "../linux/file.ts";

/** The umask is the whole process's: `make` makes nothing of box's own. */
export function withCallersUmask<T>(make: () => T): T {
  const own = umask(callerUmask);
  try {
    return make();
  } finally {
    umask(own);
  }
}
