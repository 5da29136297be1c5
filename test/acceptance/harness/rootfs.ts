/** The containers' root file system, from the distribution's static busybox. */

import {
  chmodSync,
  copyFileSync,
  cpSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** Only what the tests use: every bundle gets its own copy. */
const applets = [
  "cat",
  "chmod",
  "cp",
  "cut",
  "dd",
  "dirname",
  "echo",
  "env",
  "false",
  "find",
  "grep",
  "head",
  "hostname",
  "id",
  "ip",
  "kill",
  "ln",
  "ls",
  "mkdir",
  "mkfifo",
  "mknod",
  "mount",
  "mv",
  "od",
  "ps",
  "pwd",
  "readlink",
  "rm",
  "rmdir",
  "seq",
  "sh",
  "sleep",
  "stat",
  "stty",
  "tail",
  "test",
  "touch",
  "tr",
  "true",
  "tty",
  "umount",
  "uname",
  "wc",
  "xargs",
  "yes",
];

const directories = ["bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "usr/bin", "var"];

/** Made once per run; the bundles link to its files. */
export function makeRootfs(target: string, busybox: string, probe: string): void {
  for (const directory of directories) mkdirSync(join(target, directory), { recursive: true });
  copyFileSync(busybox, join(target, "bin/busybox"));
  copyFileSync(probe, join(target, "bin/probe"));
  chmodSync(join(target, "bin/busybox"), 0o755);
  chmodSync(join(target, "bin/probe"), 0o755);
  for (const applet of applets) symlinkSync("busybox", join(target, "bin", applet));
  writeFileSync(join(target, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n");
  writeFileSync(join(target, "etc/group"), "root:x:0:\nuser:x:1000:\n");
  chmodSync(join(target, "tmp"), 0o1777);
}

/** Directories of its own, files hard-linked: a container that makes or removes files disturbs nobody. */
export function cloneRootfs(source: string, target: string): void {
  mkdirSync(target, { recursive: true });
  for (const entry of readdirSync(source, { withFileTypes: true })) {
    const from = join(source, entry.name);
    const to = join(target, entry.name);
    if (entry.isDirectory()) {
      cloneRootfs(from, to);
      chmodSync(to, lstatSync(from).mode & 0o7777);
    } else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
    else if (entry.name === "busybox" || entry.name === "probe") linkSync(from, to);
    else cpSync(from, to);
  }
}
