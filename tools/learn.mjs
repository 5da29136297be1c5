// @ts-check
/**
 * Finds out which blocks of the engine's memory commands read and write to, so that the image has them side by side: `learn.mjs
 * LEARNING-BINARY OUTPUT`. The binary (native/learn.c) performs each operation on real containers, on cgroups as this host
 * has them and on pure cgroup v2, in a mount namespace of its own.
 *
 * OUTPUT is what the image is written by: the sizes of its first parts, and a byte for each block (enum part of
 * native/host.h). Where containers cannot be made it is empty: box is the same then, but starts a little slower.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [binary, output] = process.argv.slice(2);
if (binary === undefined || output === undefined) throw new Error("usage: learn.mjs LEARNING-BINARY OUTPUT");

/** enum part */
const always = 0;
const alwaysCloned = 1;
const enteringCloned = 2;
const entering = 3;
const creating = 4;
const creatingCloned = 5;
const readEntering = 6;
const read = 7;
const seldom = 8;
const freed = 9;

/** struct use of native/learn.c */
const use = { bytes: 8, written: 4, relocated: 5, freed: 6, read: 7 };
/** In `written`. */
const behindClone = 3;

const folder = mkdtempSync(join(tmpdir(), "box-learn-"));
const id = `box-learn-${process.pid}`;

/**
 * The part of each block, and its size; whether it is written to behind a clone.
 * @type {{ part: number, size: number, cloned: boolean }[]}
 */
let blocks = [];

/** A shell on busybox, with the default configuration. */
function makeBundle() {
  const bin = `${folder}/rootfs/bin`;
  mkdirSync(bin, { recursive: true });
  mkdirSync(`${folder}/run`);
  for (const name of ["dev", "proc", "sys"]) mkdirSync(`${folder}/rootfs/${name}`);
  copyFileSync("/bin/busybox", `${bin}/busybox`);
  for (const name of ["true", "sleep"]) symlinkSync("busybox", `${bin}/${name}`);
  execFileSync(resolve(/** @type {string} */ (binary)), [`${folder}/use`, "spec", "--bundle", folder]);
}

/** @param {string[]} program */
function configure(program) {
  const path = `${folder}/config.json`;
  const config = JSON.parse(readFileSync(path, "utf8"));
  config.process.terminal = false;
  config.process.args = program;
  writeFileSync(path, JSON.stringify(config));
}

/** What an engine says before the command; who types it says nothing. */
const globals = ["--root", "/run/box", "--log", `${folder}/log`, "--log-format", "json"];

/**
 * The command that runs box, and learns. It has a /run of its own.
 * @param {boolean} pure @param {string[]} before @param {string[]} command
 */
function learning(pure, before, ...command) {
  const setUp = `mount --bind ${folder}/run /run && ${pure ? "mount -t cgroup2 cgroup2 /sys/fs/cgroup &&" : ""}`;
  const box = [resolve(/** @type {string} */ (binary)), `${folder}/use-${command[0]}`];
  const shell = ["sh", "-c", `${setUp} exec "$@"`, "sh", ...box, ...before, ...command];
  return ["--mount", "--propagation", "private", ...shell];
}

/** Performs one command, and adds what it has used. @param {boolean} pure @param {string[]} before @param {string[]} command */
function performAfter(pure, before, ...command) {
  const words = learning(pure, before, ...command);
  const { status, stderr } = spawnSync("unshare", words, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr.trim() || `status ${status}`}`);
  add(/** @type {string} */ (command[0]));
}

/** As an engine calls it. @param {boolean} pure @param {string[]} command */
function perform(pure, ...command) {
  performAfter(pure, globals, ...command);
}

/** Both ways. @param {boolean} pure @param {string[]} command */
function performTwice(pure, ...command) {
  perform(pure, ...command);
  performAfter(pure, [], ...command);
}

/**
 * Performs `create`, the program of which `during` starts and ends; then all is known that its first process has used.
 * @param {boolean} pure @param {string[]} options @param {() => void} during
 */
async function create(pure, options, during) {
  const created = new Promise((resolve) => {
    // Not to keep this process from ending, should there never be one.
    const watcher = watch(folder, { persistent: false }, (_event, name) => {
      if (name !== "pid") return;
      watcher.close();
      resolve(undefined);
    });
  });
  const child = spawn("unshare", learning(pure, globals, "create", ...options), { cwd: folder, stdio: "ignore" });
  const ended = once(child, "close");
  await Promise.race([created, ended]);
  during();
  const [status] = await ended;
  if (status !== 0) throw new Error(`create: status ${status}`);
  add("create");
}

/** Adds what a command has used. @param {string} command */
function add(command) {
  const found = readFileSync(`${folder}/use-${command}`);
  const count = found.length / use.bytes;
  if (blocks.length === 0) blocks = Array.from({ length: count }, () => ({ part: seldom, size: 0, cloned: false }));
  if (blocks.length !== count) throw new Error(`${command} has other blocks than the commands before`);
  const [writing, reading] =
    command === "exec"
      ? [entering, readEntering]
      : ["run", "create"].includes(command)
        ? [creating, readEntering]
        : [always, read];
  for (const [index, block] of blocks.entries()) {
    const at = index * use.bytes;
    block.size = found.readUInt32LE(at);
    // The first process of a created container is alone by then, so nothing can be told of it.
    if (command !== "create" && found[at + use.written] === behindClone) block.cloned = true;
    if (found[at + use.relocated]) block.part = always;
    if (found[at + use.read]) block.part = Math.min(block.part, found[at + use.written] ? writing : reading);
    if (found[at + use.freed]) block.part = freed;
  }
}

/** @param {boolean} pure */
async function live(pure) {
  const options = ["--bundle", folder, "--pid-file", `${folder}/pid`, id];
  configure(["/bin/true"]);
  perform(pure, "run", ...options);
  rmSync(`${folder}/pid`);
  performAfter(pure, [], "run", "--bundle", folder, id);
  configure(["/bin/sleep", "1000"]);
  await create(pure, options, () => {
    try {
      perform(pure, "start", id);
      performTwice(pure, "exec", id, "/bin/true");
      performTwice(pure, "state", id);
      perform(pure, "list");
      perform(pure, "kill", id, "KILL");
    } finally {
      perform(pure, "delete", "--force", id);
    }
  });
}

try {
  makeBundle();
  await live(false);
  await live(true);
} catch (thrown) {
  console.error(`learn: the image is laid out as it comes: ${/** @type {Error} */ (thrown).message}`);
  blocks = [];
} finally {
  rmSync(folder, { recursive: true, force: true });
}

for (const block of blocks) {
  if (block.cloned && block.part === always) block.part = alwaysCloned;
  if (block.cloned && block.part === entering) block.part = enteringCloned;
  if (block.cloned && block.part === creating) block.part = creatingCloned;
}
/** @param {number} part */
const sizeOf = (part) => blocks.reduce((sum, block) => sum + (block.part === part ? block.size : 0), 0);
const sizes = BigUint64Array.from({ length: seldom }, (_, part) => BigInt(sizeOf(part)));
const parts = Uint8Array.from(blocks, ({ part }) => part);
writeFileSync(output, blocks.length === 0 ? "" : Buffer.concat([Buffer.from(sizes.buffer), parts]));
