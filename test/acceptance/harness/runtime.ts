import { type CommandOptions, command, type Result } from "./command.ts";
import { Shim, type ShimOptions } from "./shim.ts";

export type Status = "creating" | "created" | "running" | "paused" | "stopped";

/** What `state` prints. */
export interface State {
  ociVersion: string;
  id: string;
  status: Status;
  pid?: number;
  bundle: string;
  annotations?: Record<string, string>;
  created?: string;
  rootfs?: string;
  owner?: string;
  "systemd-scope"?: string;
}

export interface RuntimePlace {
  /** The runtime's program. */
  path: string;
  /** The suite's shim. */
  shim: string;
  /** State directory, private to the test. */
  root: string;
  /** Added to every command's environment. */
  env: Record<string, string>;
  /** Before every command. */
  flags: string[];
}

/** The command line of an OCI runtime: nothing here knows which one. */
export class Runtime {
  readonly place: RuntimePlace;

  constructor(place: RuntimePlace) {
    this.place = place;
  }

  argv(args: string[]): string[] {
    return [this.place.path, "--root", this.place.root, ...this.place.flags, ...args];
  }

  /** Any command, to its end. */
  call(args: string[], options: CommandOptions = {}): Promise<Result> {
    return command(this.argv(args), { ...options, env: { ...this.place.env, ...options.env } });
  }

  /** A command that leaves processes behind (create, run), under the shim. */
  shim(args: string[], options: ShimOptions = {}): Shim {
    const env = { ...this.place.env, ...options.env };
    return new Shim(this.place.shim, this.argv(args), { ...options, env });
  }

  /** A command that gets sockets as systemd hands them down: sd_listen_fds(3). @param names of the descriptors */
  activated(args: string[], pass: number[], names: string[]): Shim {
    const { shim, env } = this.place;
    // What is said is meant for the process that LISTEN_PID names, which is to be the runtime.
    const script = 'LISTEN_PID=$$ exec "$@"';
    const activation = { LISTEN_FDS: `${names.length}`, LISTEN_FDNAMES: names.join(":") };
    return new Shim(shim, ["/bin/sh", "-c", script, "sh", ...this.argv(args)], {
      pass,
      env: { ...env, ...activation },
    });
  }

  create(id: string, bundle: string, flags: string[] = [], options: ShimOptions = {}): Shim {
    return this.shim(["create", "--bundle", bundle, ...flags, id], options);
  }

  run(id: string, bundle: string, flags: string[] = [], options: ShimOptions = {}): Shim {
    return this.shim(["run", "--bundle", bundle, ...flags, id], options);
  }

  start(id: string): Promise<Result> {
    return this.call(["start", id]);
  }

  state(id: string): Promise<Result> {
    return this.call(["state", id]);
  }

  kill(id: string, ...signal: string[]): Promise<Result> {
    return this.call(["kill", id, ...signal]);
  }

  delete(id: string, ...flags: string[]): Promise<Result> {
    return this.call(["delete", ...flags, id]);
  }

  exec(id: string, args: string[], flags: string[] = [], options: CommandOptions = {}): Promise<Result> {
    return this.call(["exec", ...flags, id, ...args], options);
  }

  /** `exec` with ends that the test holds, not waited for. */
  executing(id: string, args: string[], flags: string[] = [], options: ShimOptions = {}): Shim {
    return this.shim(["exec", ...flags, id, ...args], options);
  }

  pause(id: string): Promise<Result> {
    return this.call(["pause", id]);
  }

  resume(id: string): Promise<Result> {
    return this.call(["resume", id]);
  }

  update(id: string, ...flags: string[]): Promise<Result> {
    return this.call(["update", ...flags, id]);
  }

  list(...flags: string[]): Promise<Result> {
    return this.call(["list", ...flags]);
  }
}
