/** A mount in the words of an error. */
import { quote } from "../base/quote.ts";
import type { MountOp } from "./ops.ts";

/** A mount in the words of the configuration, for the text of errors. */
export function describe(op: MountOp): string {
  const options = op.words.length === 0 ? "" : ` with ${quote(op.words.join(","))}`;
  return `${action(op)} on ${quote(op.destination)}${options}`;
}

function action(op: MountOp): string {
  switch (op.kind) {
    case "bind":
      return `bind ${quote(op.source)}`;
    case "filesystem":
      return op.source === op.type ? `mount ${op.type}` : `mount ${op.type} ${quote(op.source)}`;
    case "cgroup":
      return "mount cgroup";
  }
}
