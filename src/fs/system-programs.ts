/** Programs of the system that have more rights than their caller: a PATH could name others. */
import { X_OK } from "../linux/constants.ts";
import { access } from "../linux/file.ts";

const directories = ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin"];

/** The path of such a program, as newuidmap(1); undefined where it is not installed. */
export function systemProgram(name: string): string | undefined {
  return directories.map((directory) => `${directory}/${name}`).find((path) => access("cwd", path, X_OK, 0) === 0);
}
