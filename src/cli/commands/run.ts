/** box run: create and start; in the foreground also wait, and delete. */

import { BoxError } from "../../base/errors.ts";
import { createContainer } from "../../container/create.ts";
import { deleteContainer } from "../../container/delete.ts";
import { Foreground } from "../../container/foreground.ts";
import { keepExitStatus } from "../../container/wait.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";
import { creationOptions, prepareCreation } from "../creation.ts";
import { deletion } from "../deletion.ts";
import { consoleSender, fromHere, PidFile, pidfdSender } from "../handover.ts";

export const table: CommandTable = {
  name: "run",
  summary:
    "Creates and starts a container, waits for its program, deletes it, and ends with the program's exit status.",
  operands: [{ name: "ID" }],
  options: [
    ...creationOptions,
    { name: "detach", short: "d", help: "return once the program runs" },
    { name: "keep", help: "do not delete the container when its program has ended" },
    { name: "no-subreaper", help: "do not adopt the container's orphans" },
  ],
};

export function run(args: Arguments, context: Context): number {
  const { store, log } = context;
  const consoleSocket = fromHere(args.text("console-socket"));
  const pidFile = new PidFile(fromHere(args.text("pid-file")));
  const pidfdSocket = fromHere(args.text("pidfd-socket"));
  const detached = args.has("detach");
  const { plan, config, networkAhead, manager } = prepareCreation(args, context, detached);
  if (plan.init.program === undefined)
    throw new BoxError("process: the configuration has none, there is nothing to run");
  using foreground = detached ? undefined : new Foreground(!args.has("no-subreaper"));
  const sendPidfd = pidfdSender(pidfdSocket);
  const { child, record } = createContainer(store, {
    plan,
    config,
    networkAhead,
    startNow: true,
    takeTerminal: foreground === undefined ? consoleSender(consoleSocket) : foreground.takeTerminal,
    furnish:
      manager &&
      ((directory) => {
        manager.makePlace(directory);
        manager.listen(directory);
      }),
    publish: ({ pid, pidfd }) => {
      sendPidfd(pidfd);
      pidFile.write(pid);
    },
    retract: () => pidFile.retract(),
    warn: log.warn,
    debug: (message) => log.debug(message),
  });
  if (foreground === undefined) {
    manager?.passOn(child.pid, child.pidfd);
    return 0;
  }
  const status = foreground.wait(child, manager);
  if (args.has("keep")) keepExitStatus(store, record, status);
  else deleteContainer(store, record.id, { ...deletion(context, true), only: record });
  return status;
}
