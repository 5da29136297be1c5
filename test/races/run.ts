/**
 * Operations on one container at the same time, from processes of their own: every pair in every status, and groups of
 * more, again and again. What is seen must be what some order of them would have given (model.ts), and afterwards the
 * container can be deleted and nothing is left.
 *
 *   ROUNDS=n       how often every pair in every status meets (5)      JOBS=n        containers at once (2)
 *   SEED=n         where the random numbers start (the time)           ONLY=pattern  pairs such as "start, kill"
 *   RUNTIME=/path  another box than build/box
 *
 * Exit status: 0 everything was explained, 1 something was not.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defaultSpec } from "../acceptance/harness/config.ts";
import { cgroupHost } from "../acceptance/harness/host.ts";
import { leaks, sweep } from "../acceptance/harness/leaks.ts";
import { makeRootfs } from "../acceptance/harness/rootfs.ts";
import { randomFrom } from "../random.ts";
import { type Meeting, meetings } from "./meetings.ts";
import { play } from "./round.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));
const rounds = Number(process.env["ROUNDS"] || 5);
const jobs = Number(process.env["JOBS"] || 2);
const seed = Number(process.env["SEED"] || Date.now() % 2 ** 32);
const only = new RegExp(process.env["ONLY"] || "");

const place = mkdtempSync(join(tmpdir(), "box-races-"));
const token = place.slice(place.lastIndexOf("/") + 1);

function prepare(): void {
  copyFileSync(process.env["RUNTIME"] || join(project, "build/box"), join(place, "box"));
  makeRootfs(join(place, "rootfs"), "/bin/busybox", "/bin/busybox");
}

/** One container's own directory, id and cgroup. */
function seat(number: number): Parameters<typeof play>[0] {
  const [id, directory] = [`${token}.${number}`, join(place, `${number}`)];
  mkdirSync(directory);
  const spec = defaultSpec(["/bin/sleep", "1000"], `/${token}/${id}`);
  spec.root.path = join(place, "rootfs");
  writeFileSync(join(directory, "config.json"), JSON.stringify(spec));
  return { command: [join(place, "box"), "--root", join(place, "state")], bundle: directory, id, directory };
}

async function main(): Promise<number> {
  prepare();
  const random = randomFrom(seed);
  const all = Array.from({ length: rounds }, () => meetings(random))
    .flat()
    .filter(({ name }) => only.test(name));
  let next = 0;
  let wrong = 0;
  const work = async (number: number): Promise<void> => {
    const own = seat(number);
    for (let index = next++; index < all.length; index = next++) {
      const { first, operations } = all[index] as Meeting;
      const finding = await play(own, first, operations);
      if (finding !== undefined) {
        wrong++;
        console.log(`✗ ${finding}`);
      }
      if ((index + 1) % 1000 === 0) console.log(`${index + 1} of ${all.length}`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, (_, number) => work(number)));
  const states = existsSync(join(place, "state")) ? readdirSync(join(place, "state")) : [];
  const left = leaks({ token: `${token}.`, run: token, empty: [], namespaces: [], except: [process.pid] });
  for (const what of [...left, ...states.map((name) => `state ${name}`)]) console.log(`✗ left: ${what}`);
  console.log(`${all.length} rounds, seed ${seed}: ${wrong} not explained, ${left.length + states.length} things left`);
  return wrong + left.length + states.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} finally {
  await sweep(`${token}.`, [place]);
  for (const top of new Set(Object.values(cgroupHost().hierarchies)))
    if (existsSync(join(top, token))) rmdirSync(join(top, token));
}
