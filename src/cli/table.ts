/** The global options, and the names of all commands. */
import { type CommandTable, helpOption, type Option } from "./args.ts";

export const globalOptions: readonly Option[] = [
  {
    name: "root",
    short: "r",
    value: "DIR",
    notEmpty: true,
    help: "state directory (default /run/box, or $XDG_RUNTIME_DIR/box for a user; /tmp/box-UID where there is none)",
  },
  {
    name: "log",
    short: "l",
    value: "PLACE",
    help: "where messages go: a file, journald:NAME or syslog:NAME (default stderr)",
  },
  { name: "log-format", value: "FORMAT", help: "text or json (default text)" },
  { name: "systemd-log", help: "messages go to systemd's journal: --log journald:" },
  { name: "log-level", value: "LEVEL", help: "error, warning or debug (default warning)" },
  { name: "systemd-cgroup", short: "s", help: "let systemd make the cgroups: --cgroup-manager systemd" },
  { name: "cgroup-manager", value: "NAME", help: "cgroupfs, systemd or disabled (default cgroupfs)" },
  { name: "trace", value: "FILE", help: "add a timeline of every step and system call to FILE" },
  { name: "debug", help: "show debug messages, and the stack of internal errors" },
  { name: "rootless", value: "VALUE", help: "true, false or auto", obsolete: true },
  { name: "criu", value: "FILE", help: "path of criu", obsolete: true },
  { name: "version", short: "v", also: ["V"], help: "show the version" },
  helpOption,
];

/** Every command with what it does; its module is src/cli/commands/<name>.ts. */
export const commands: readonly (readonly [name: string, summary: string])[] = [
  ["create", "create a container"],
  ["start", "start a created container"],
  ["run", "create and start a container"],
  ["exec", "execute a program in a container"],
  ["state", "print the state of a container as JSON"],
  ["kill", "send a signal to a container"],
  ["wait", "wait for the end of a container's program"],
  ["delete", "delete a container"],
  ["update", "change the limits of a container"],
  ["mounts", "add mounts to a container that runs, or remove some"],
  ["list", "list the containers"],
  ["pause", "freeze the processes of a container"],
  ["resume", "let a paused container go on"],
  ["ps", "list the processes of a container"],
  ["events", "report what a container uses and when its memory runs out"],
  ["spec", "write a sample config.json"],
  ["validate", "list everything that is wrong with a bundle"],
  ["doctor", "tell what this host and this user can do"],
  ["trace", "print the timeline of a --trace file"],
  ["features", "print what this box supports as JSON"],
];

/** `box help`, which is no module of its own. */
export const helpTable: CommandTable = {
  name: "help",
  summary: "Explains a command, or lists all.",
  operands: [{ name: "COMMAND", optional: true }],
  options: [],
};

/** Commands of other runtimes that box has not. */
export const unsupported: readonly string[] = ["checkpoint", "restore"];
