/** Which cgroups an exec'd process is to enter. Pure. */
import { BoxError } from "../base/errors.ts";
import { components } from "../base/path.ts";
import { quote } from "../base/quote.ts";
import type { CgroupDirectory, CgroupOps, CgroupPlace } from "./ops.ts";

/**
 * The container's cgroup in every hierarchy, or what the caller named below it.
 * @param requests of the form `[CTRL,…:]PATH`; controllers are those of cgroup v1
 * @throws BoxError for a path that leads out of the container's cgroup, and for what is no hierarchy of it
 */
export function planPlaces(
  cgroup: Pick<CgroupOps, "path" | "directories"> | null,
  requests: readonly string[],
): readonly CgroupPlace[] {
  if (cgroup === null) {
    if (requests.length > 0) throw new BoxError("--cgroup: the container has no cgroup");
    return [];
  }
  const named = new Map<CgroupDirectory, string>();
  for (const request of requests) {
    const { controllers, path } = parseRequest(request);
    for (const directory of directoriesFor(controllers, cgroup.directories, request)) {
      if (named.has(directory)) throw new BoxError(`--cgroup ${quote(request)}: ${directory.mount} is named twice`);
      named.set(directory, path);
    }
  }
  return cgroup.directories.map((directory) => {
    const path = named.get(directory);
    if (path === undefined) return { directory, path: cgroup.path, named: false };
    return { directory, path: path === "" ? cgroup.path : `${cgroup.path}/${path}`, named: true };
  });
}

/** @returns no controllers where none are named: then the path counts everywhere */
function parseRequest(request: string): { readonly controllers: readonly string[]; readonly path: string } {
  const [before, after, ...more] = request.split(":");
  const path = after ?? before ?? "";
  if (more.length > 0 || request === "" || (after !== undefined && before === ""))
    throw new BoxError(`--cgroup ${quote(request)}: must be [CONTROLLER,...:]PATH`);
  if (path.split("/").includes(".."))
    throw new BoxError(`--cgroup ${quote(request)}: leads out of the container's cgroup`);
  return { controllers: after === undefined ? [] : (before as string).split(","), path: components(path).join("/") };
}

function directoriesFor(
  controllers: readonly string[],
  directories: readonly CgroupDirectory[],
  request: string,
): readonly CgroupDirectory[] {
  if (controllers.length === 0) return directories;
  const found = controllers.map((controller) => {
    const directory = directories.find((candidate) => candidate.controllers.includes(controller));
    if (directory === undefined)
      throw new BoxError(`--cgroup ${quote(request)}: no cgroup v1 hierarchy has the controller ${quote(controller)}`);
    return directory;
  });
  return [...new Set(found)];
}

/** The same hierarchies, each with the cgroup in which the text of a process's /proc/PID/cgroup says that it is. */
export function placesIn(text: string, places: readonly CgroupPlace[]): readonly CgroupPlace[] {
  const lines = text.split("\n").map((line) => line.split(":"));
  return places.map((place) => {
    const wanted = place.directory.controllers.join(",");
    const path = lines
      .find((fields) => fields[1] === wanted)
      ?.slice(2)
      .join(":");
    // Outside of this process's cgroup namespace it is written with "..", and cannot be reached.
    if (path === undefined || path.split("/").includes(".."))
      throw new BoxError(`the container's cgroup below ${place.directory.mount} cannot be told`);
    return { ...place, path };
  });
}
