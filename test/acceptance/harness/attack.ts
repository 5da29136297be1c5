/** What the tests of security plant on the host, and who works against box meanwhile. */
import assert from "node:assert/strict";
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Result } from "./command.ts";
import type { Container } from "./container.ts";
import { context } from "./context.ts";
import { mounts } from "./host.ts";
import type { Lab } from "./lab.ts";
import { Shim, type ShimOptions } from "./shim.ts";

/** A directory of the host's that no container may reach: what is in it must never change, nor be seen. */
export class Canary {
  readonly path: string;
  readonly file: string;
  /** What the file says, and nothing else on this host. */
  readonly song: string;
  readonly #before: string[];

  constructor(lab: Lab) {
    this.path = lab.path("canary");
    this.file = join(this.path, "file");
    this.song = `song-of-${lab.token}`;
    mkdirSync(this.path, { mode: 0o755 });
    writeFileSync(this.file, `${this.song}\n`, { mode: 0o640 });
    writeFileSync(join(this.path, "program"), `#!/bin/sh\necho ${this.song}\n`, { mode: 0o755 });
    this.#before = look(this.path);
  }

  /** Fails when something in it is new, gone, written, mounted over or another's; or when a container has seen it. */
  check(results: readonly Result[] = []): void {
    assert.deepEqual(look(this.path), this.#before);
    const on = mounts().filter(({ point }) => `${point}/`.startsWith(`${this.path}/`));
    assert.deepEqual(on, [], "something is mounted on the canary");
    for (const { argv, stdout, stderr } of results)
      assert.ok(
        !`${stdout}${stderr}`.includes(this.song),
        `${argv.join(" ")}: the canary was heard: ${stdout}${stderr}`,
      );
  }
}

function look(path: string): string[] {
  const { mode, uid, gid } = lstatSync(path);
  const line = `${path} ${mode.toString(8)} ${uid}:${gid}`;
  if (lstatSync(path).isDirectory()) return [line, ...readdirSync(path).flatMap((name) => look(join(path, name)))];
  return [lstatSync(path).isFile() ? `${line} ${readFileSync(path, "utf8")}` : line];
}

/** Does `work` while another process exchanges two names of the host as often as it can. */
export async function whileSwapping(lab: Lab, one: string, other: string, work: () => Promise<void>): Promise<void> {
  const shim = lab.watch(new Shim(context.shim, [context.probe, "swap", one, other], { env: lab.runtime.place.env }));
  await shim.stdout.line(/^ready$/);
  try {
    await work();
  } finally {
    shim.stdin.write("\n");
  }
  // How often is for the machine to say.
  await shim.stdout.line(/^swapped \d+$/);
}

/** `run` of a container to its end, with descriptors of the caller's. */
export async function runOf({ runtime, id, bundle }: Container, lab: Lab, options: ShimOptions = {}): Promise<Result> {
  const shim = lab.watch(runtime.run(id, bundle, [], options));
  shim.stdin.end();
  const [stdout, stderr] = await Promise.all([shim.stdout.end(), shim.stderr.end()]);
  return { ...(await shim.result()), stdout, stderr };
}
