// @ts-check
/**
 * Finds out which blocks of the engine's memory commands write to, so that the image has them side by side: `learn.mjs
 * LEARNING-BINARY OUTPUT`. The binary (native/learn.c) performs each operation on real containers, on cgroups as this host
 * has them and on pure cgroup v2, in a mount namespace of its own.
 *
 * OUTPUT is what the image is written by: the sizes of its first two parts, and a byte for each block (enum part of
 * native/host.h). Where containers cannot be made it is empty: box is the same then, but starts a little slower.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const [binary, output] = process.argv.slice(2);
if (binary === undefined || output === undefined) throw new Error("usage: learn.mjs LEARNING-BINARY OUTPUT");

/** enum part */
const always = 0;
const entering = 1;
const seldom = 2;
const freed = 3;

/** struct use of native/learn.c */
const use = { bytes: 8, written: 4, relocated: 5, freed: 6 };

const modules = JSON.parse(readFileSync(`${dirname(output)}/image.json`, "utf8"));
const folder = mkdtempSync(join(tmpdir(), "box-learn-"));
const id = `box-learn-${process.pid}`;

/** The part of each block, and its size. @type {{ part: number, size: number }[]} */
let blocks = [];

/** A shell on busybox, with the default configuration. */
function makeBundle() {
  const bin = `${folder}/rootfs/bin`;
  mkdirSync(bin, { recursive: true });
  for (const name of ["dev", "proc", "sys"]) mkdirSync(`${folder}/rootfs/${name}`);
  copyFileSync("/bin/busybox", `${bin}/busybox`);
  for (const name of ["true", "sleep"]) symlinkSync("busybox", `${bin}/${name}`);
  execFileSync(resolve(/** @type {string} */ (binary)), [`${folder}/use`, "--", "spec", "--bundle", folder]);
}

/** @param {string[]} program */
function configure(program) {
  const path = `${folder}/config.json`;
  const config = JSON.parse(readFileSync(path, "utf8"));
  config.process.terminal = false;
  config.process.args = program;
  writeFileSync(path, JSON.stringify(config));
}

/** Performs one command, and adds what it has written to. @param {boolean} pure @param {string[]} command */
function perform(pure, ...command) {
  const setUp = pure ? "mount -t cgroup2 cgroup2 /sys/fs/cgroup &&" : "";
  const box = [resolve(/** @type {string} */ (binary)), `${folder}/use`, ...modules, "--", "--root", `${folder}/state`];
  // A file: a created container keeps what it was given, and the end of a pipe would not come.
  const messages = openSync(`${folder}/messages`, "w");
  const { status } = spawnSync(
    "unshare",
    ["--mount", "--propagation", "private", "sh", "-c", `${setUp} exec "$@"`, "sh", ...box, ...command],
    { cwd: folder, stdio: ["ignore", "ignore", messages] },
  );
  closeSync(messages);
  const said = readFileSync(`${folder}/messages`, "utf8").trim();
  if (status !== 0) throw new Error(`${command.join(" ")}: ${said || `status ${status}`}`);
  const found = readFileSync(`${folder}/use`);
  const count = found.length / use.bytes;
  if (blocks.length === 0) blocks = Array.from({ length: count }, () => ({ part: seldom, size: 0 }));
  if (blocks.length !== count) throw new Error(`${command[0]} has other blocks than the commands before`);
  const part = ["run", "create", "exec"].includes(/** @type {string} */ (command[0])) ? entering : always;
  for (const [index, block] of blocks.entries()) {
    const at = index * use.bytes;
    block.size = found.readUInt32LE(at);
    if (found[at + use.relocated]) block.part = always;
    if (found[at + use.written]) block.part = Math.min(block.part, part);
    if (found[at + use.freed]) block.part = freed;
  }
}

/** @param {boolean} pure */
function live(pure) {
  configure(["/bin/true"]);
  perform(pure, "run", id);
  configure(["/bin/sleep", "1000"]);
  perform(pure, "create", id);
  try {
    perform(pure, "start", id);
    perform(pure, "exec", id, "/bin/true");
    perform(pure, "state", id);
    perform(pure, "list");
    perform(pure, "kill", id, "KILL");
  } finally {
    perform(pure, "delete", "--force", id);
  }
}

try {
  makeBundle();
  live(false);
  live(true);
} catch (thrown) {
  console.error(`learn: the image is laid out as it comes: ${/** @type {Error} */ (thrown).message}`);
  blocks = [];
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @param {number} part */
const sizeOf = (part) => blocks.reduce((sum, block) => sum + (block.part === part ? block.size : 0), 0);
const sizes = BigUint64Array.of(BigInt(sizeOf(always)), BigInt(sizeOf(entering)));
const parts = Uint8Array.from(blocks, ({ part }) => part);
writeFileSync(output, blocks.length === 0 ? "" : Buffer.concat([Buffer.from(sizes.buffer), parts]));
