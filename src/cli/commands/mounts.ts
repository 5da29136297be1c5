/** box mounts: adds mounts to a container that is there, or removes some. */
import { within } from "../../base/errors.ts";
import { quote } from "../../base/quote.ts";
import { step } from "../../base/steps.ts";
import { checkId } from "../../container/id.ts";
import { changeMounts } from "../../container/mounts.ts";
import { requireProcess } from "../../container/status.ts";
import { openTarget, type Target } from "../../container/target.ts";
import { readInput, readNamed } from "../../facts/bundle.ts";
import { hostFacts } from "../../facts/host.ts";
import { otherNamespaces } from "../../facts/namespaces.ts";
import { load, sealed } from "../../linux/engine.ts";
import { type MountsPlan, planAddedMounts, planRemovedMounts } from "../../plan/mounts.ts";
import { format } from "../../spec/findings.ts";
import { newNamespaces } from "../../spec/namespaces.ts";
import { type Arguments, type CommandTable, UsageError } from "../args.ts";
import type { Context } from "../context.ts";

export const table: CommandTable = {
  name: "mounts",
  summary:
    "Makes mounts in a created, running or paused container (ACTION is add), or removes what is mounted there (remove), all of them or none. FILE holds an array of mounts as in config.json (-: from stdin); to remove them, their destinations are enough.",
  operands: [{ name: "ACTION" }, { name: "ID" }, { name: "FILE" }],
  options: [],
};

export function run(args: Arguments, context: Context): number {
  if (!sealed) throw new Error("this process is not sealed");
  const action = args.operand(0);
  if (action !== "add" && action !== "remove")
    throw new UsageError(`mounts: ACTION must be add or remove, not ${quote(action)}`);
  const id = checkId(args.operand(1));
  within(
    () => `mounts ${action} ${quote(id)}`,
    () => {
      step("container");
      using target = openTarget(context.store, id, requireProcess);
      changeMounts(target, planFor(action, target, args.operand(2), context));
    },
  );
  return 0;
}

function planFor(action: "add" | "remove", target: Target, file: string, { log }: Context): MountsPlan {
  step("validation");
  const { decodeMounts, decodeKept } = load("spec/decode") as typeof import("../../spec/decode.ts");
  const spec = within("config.json", () => decodeKept(target.config));
  const { text } = file === "-" ? readInput() : readNamed(file);
  return within(file === "-" ? "stdin" : file, () => {
    const mounts = decodeMounts(text, spec, log.warn);
    step("plan");
    const host = hostFacts();
    const facts = {
      bundle: target.record.bundle,
      capabilities: host.capabilities,
      joins: otherNamespaces(target.init.pid, newNamespaces(spec)),
      hasSelinux: () => host.selinux,
      warn: (path: string, message: string) => log.warn(format({ path, message })),
    };
    return action === "add" ? planAddedMounts(mounts, spec, facts) : planRemovedMounts(mounts, spec, facts);
  });
}
