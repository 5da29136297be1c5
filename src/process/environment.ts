/** What the container's own files and variables say about the program. Pure. */

/** The value of a variable; undefined when it is not set. */
export function valueOf(env: readonly string[], name: string): string | undefined {
  const entry = env.find((candidate) => candidate.startsWith(`${name}=`));
  return entry?.slice(name.length + 1);
}

/** The home directory that passwd(5) names for a user id; `/` where there is none. Malformed lines are skipped. */
export function homeOf(passwd: string, uid: number): string {
  for (const line of passwd.split("\n")) {
    const fields = line.split(":");
    const home = fields[5];
    if (fields.length >= 7 && fields[2] === String(uid) && home?.startsWith("/") === true) return home;
  }
  return "/";
}

/** Where a program without a slash in its name is looked for when PATH is not set. */
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The paths at which a program may be, in order: execvp's meaning of args[0]. An empty entry is the working directory, an
 * empty name is that of no program, and not that of the directories in which one is looked for.
 */
export function candidates(program: string, env: readonly string[]): string[] {
  if (program.includes("/")) return [program];
  if (program === "") return [];
  return (valueOf(env, "PATH") ?? defaultPath)
    .split(":")
    .map((directory) => `${directory === "" ? "." : directory}/${program}`);
}
