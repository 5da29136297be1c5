/** Docker's default seccomp profile, from Debian's package of Docker's source, in the form that config.json takes. */
import { existsSync, readFileSync } from "node:fs";
import { out, unpack } from "./places.ts";

interface Conditions {
  readonly arches?: readonly string[];
  readonly caps?: readonly string[];
  readonly minKernel?: string;
}

interface Rule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args: readonly object[] | null;
  readonly includes?: Conditions;
  readonly excludes?: Conditions;
}

interface Profile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly archMap: readonly { readonly architecture: string; readonly subArchitectures: readonly string[] }[];
  readonly syscalls: readonly Rule[];
}

const folder = `${out}/docker`;
const file = `${folder}/usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json`;

/** What Docker would make of its profile here. @param capabilities of the container: some rules are for those who have one */
export function dockerProfile(capabilities: readonly string[]): object {
  if (!existsSync(file)) unpack("golang-github-docker-docker-dev", folder);
  const { defaultAction, defaultErrnoRet, archMap, syscalls } = JSON.parse(readFileSync(file, "utf8")) as Profile;
  const native = process.arch === "arm64" ? "arm64" : "amd64";
  const architecture = process.arch === "arm64" ? "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64";
  const architectures = archMap
    .filter((entry) => entry.architecture === architecture)
    .flatMap((entry) => [entry.architecture, ...entry.subArchitectures]);
  // Every kernel that box runs on is newer than the newest `minKernel`.
  const meets = ({ arches = [native], caps = [] }: Conditions) =>
    arches.includes(native) && caps.every((cap) => capabilities.includes(cap));
  const isMet = ({ arches = [], caps = [] }: Conditions) =>
    arches.includes(native) || caps.some((cap) => capabilities.includes(cap));
  return {
    defaultAction,
    defaultErrnoRet,
    architectures,
    syscalls: syscalls
      .filter(({ includes = {}, excludes = {} }) => meets(includes) && !isMet(excludes))
      .map(({ names, action, errnoRet, args }) => ({ names, action, errnoRet, args: args ?? [] })),
  };
}
