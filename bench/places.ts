/** Where runtimes are measured, and which ones can be there. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { run } from "./shell.ts";

/** Everything the benchmark makes. */
export const out = "build/bench";

export interface Runtime {
  readonly name: string;
  readonly path: string;
  /** The file as it is seen from here. */
  readonly file: string;
}

export interface Place {
  readonly title: string;
  /** The command that brings the stopwatch there. */
  readonly prefix: readonly string[];
  /** Containers are kept below it; a tmpfs in every place. */
  readonly state: string;
  readonly runtimes: readonly Runtime[];
}

/** An ordinary user's id, which need not be anybody's. */
export const user = 1000;

const peersRoot = "build/peers/root";
const inPeers = ["tools/peers", "run", "--"];

/** @param before another build of box, to be compared with this one */
export function makePlaces(before: string | undefined) {
  run(["tools/peers", "build"]);
  const box = [installed("build/box", "box"), ...(before === undefined ? [] : [installed(before, "before")])];
  const runtimes = [
    ...box,
    { name: "crun", path: "/usr/bin/crun", file: `${peersRoot}/usr/bin/crun` },
    { name: "runc", path: "/usr/sbin/runc", file: `${peersRoot}/usr/sbin/runc` },
  ];
  const asUser = [...inPeers, "setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups", "--"];
  return {
    peers: { title: "pure cgroup v2", prefix: inPeers, state: "/tmp/bench", runtimes },
    user: { title: "pure cgroup v2, without root", prefix: asUser, state: "/tmp/bench-user", runtimes },
    host: { title: "this host's cgroups", prefix: [], state: "/run/box-bench", runtimes: [...box, ...hostRunc()] },
  } satisfies Record<string, Place>;
}

/** A copy, as every installed runtime is one: the kernel maps a file that was written from end to end in larger pieces. */
function installed(build: string, name: string): Runtime {
  const folder = `${out}/${name}`;
  mkdirSync(folder, { recursive: true });
  copyFileSync(build, `${folder}/box`);
  return { name, path: `${folder}/box`, file: `${folder}/box` };
}

export type Places = ReturnType<typeof makePlaces>;

/** Removes what an interrupted run left on the host. The other places end with their last process. */
export function sweep({ state, runtimes }: Place): void {
  for (const root of existsSync(state) ? readdirSync(state) : []) {
    const runtime = runtimes.find(({ name }) => root.startsWith(`${name}-`));
    if (runtime === undefined || root.endsWith(".pid")) continue;
    for (const id of readdirSync(`${state}/${root}`).filter((name) => name.startsWith("bench-")))
      run([runtime.path, "--root", `${state}/${root}`, "delete", "--force", id]);
  }
  rmSync(state, { recursive: true, force: true });
}

/** Debian's runc of this host's release, unpacked and not installed: sid's needs a newer libc. */
function hostRunc(): Runtime[] {
  const folder = `${out}/runc`;
  const file = `${folder}/usr/sbin/runc`;
  if (!existsSync(file)) unpack("runc", folder);
  return [{ name: "runc", path: file, file }];
}

/** Unpacks a package of the host's release. */
export function unpack(name: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  run([
    "sh",
    "-c",
    'cd "$0" && apt-get -qq -o APT::Sandbox::User=root download "$1" && dpkg-deb -x *.deb . && rm *.deb',
    folder,
    name,
  ]);
  if (readdirSync(folder).length === 0) throw new Error(`nothing in the package ${name}`);
}
