/** box create: builds the container and stops before the program runs. */
import { createContainer } from "../../container/create.ts";
import type { Arguments, CommandTable } from "../args.ts";
import type { Context } from "../context.ts";
import { creationOptions, prepareCreation } from "../creation.ts";
import { consoleSender, fromHere, PidFile, pidfdSender } from "../handover.ts";

export const table: CommandTable = {
  name: "create",
  summary: "Creates a container from a bundle. Its program runs once `box start` says so.",
  operands: [{ name: "ID" }],
  options: [...creationOptions, { name: "no-subreaper", help: "accepted for callers of runc", obsolete: true }],
};

export function run(args: Arguments, context: Context): number {
  const consoleSocket = fromHere(args.text("console-socket"));
  const pidFile = new PidFile(fromHere(args.text("pid-file")));
  const pidfdSocket = fromHere(args.text("pidfd-socket"));
  const { plan, config, networkAhead, manager } = prepareCreation(args, context, true);
  const sendPidfd = pidfdSender(pidfdSocket);
  createContainer(context.store, {
    plan,
    config,
    networkAhead,
    startNow: false,
    takeTerminal: consoleSender(consoleSocket),
    furnish: manager && ((directory) => manager.makePlace(directory)),
    publish: ({ pid, pidfd }) => {
      sendPidfd(pidfd);
      pidFile.write(pid);
    },
    retract: () => pidFile.retract(),
    warn: context.log.warn,
    debug: (message) => context.log.debug(message),
  });
  return 0;
}
