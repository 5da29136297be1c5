/** The bundles that are run: one root file system, and a folder with config.json for each variation of runc's default. */
import { chownSync, copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { out, type Place, type Places, user } from "./places.ts";
import { dockerProfile } from "./seccomp-profile.ts";
import { run } from "./shell.ts";

export const rootfs = resolve(out, "rootfs");
/** What is bound into containers with many mounts. */
export const mountSource = resolve(out, "source");
export const mountCounts = [10, 100, 1000];

const folder = `${out}/bundles`;
const names = ["true", "wait", "seccomp", "rootless", ...mountCounts.map((count) => `mounts-${count}`)] as const;

export const bundle = (name: (typeof names)[number] | `mounts-${number}`): string => `${folder}/${name}`;

// biome-ignore lint/suspicious/noExplicitAny: a file of another program
type Config = any;

export function makeBundles(places: Places): void {
  makeRootfs();
  rmSync(folder, { recursive: true, force: true });
  const standard = specOf(places.peers, `${folder}/spec`, []);
  write("true", standard);
  write("wait", { ...standard, process: { ...standard.process, args: ["/bin/sleep", "1000000"] } });
  write("seccomp", {
    ...standard,
    linux: { ...standard.linux, seccomp: dockerProfile(standard.process.capabilities.bounding) },
  });
  for (const count of mountCounts)
    write(`mounts-${count}`, {
      ...standard,
      mounts: [...standard.mounts, ...Array.from({ length: count }, bindMount)],
    });
  write("rootless", specOf(places.user, `${folder}/spec-rootless`, ["--rootless"]));
}

/** The distribution's static busybox, and the folders that mounts need. */
function makeRootfs(): void {
  rmSync(rootfs, { recursive: true, force: true });
  for (const name of ["bin", "dev", "proc", "sys", "mnt"]) mkdirSync(`${rootfs}/${name}`, { recursive: true });
  for (let index = 0; index < Math.max(...mountCounts); index++) mkdirSync(`${rootfs}/mnt/${index}`);
  mkdirSync(mountSource, { recursive: true });
  copyFileSync("build/peers/root/usr/bin/busybox", `${rootfs}/bin/busybox`);
  for (const applet of ["true", "sleep"]) symlinkSync("busybox", `${rootfs}/bin/${applet}`);
}

/** What `runc spec` writes, which every runtime takes. */
function specOf({ prefix }: Place, target: string, flags: readonly string[]): Config {
  mkdirSync(target, { recursive: true });
  if (flags.length > 0) chownSync(target, user, user);
  run([...prefix, "runc", "spec", "--bundle", target, ...flags]);
  const config = JSON.parse(readFileSync(`${target}/config.json`, "utf8"));
  config.process.terminal = false;
  config.process.args = ["/bin/true"];
  config.root.path = rootfs;
  return config;
}

/** A volume as Docker writes it. */
function bindMount(_: unknown, index: number): object {
  return { destination: `/mnt/${index}`, type: "bind", source: mountSource, options: ["rbind", "rprivate"] };
}

function write(name: string, config: Config): void {
  mkdirSync(`${folder}/${name}`, { recursive: true });
  writeFileSync(`${folder}/${name}/config.json`, JSON.stringify(config, null, 2));
}
