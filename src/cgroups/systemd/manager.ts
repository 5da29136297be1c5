/** systemd as the one who makes and removes a container's cgroup: org.freedesktop.systemd1(5). Waits for its signals. */
import { BoxError, within } from "../../base/errors.ts";
import { quote } from "../../base/quote.ts";
import { Bus, BusError } from "../../dbus/bus.ts";
import type { Message } from "../../dbus/message.ts";
import type { Value, Variant } from "../../dbus/wire.ts";
import type { UnitOps, UnitProperty, UnitValue } from "../ops.ts";

const manager = {
  destination: "org.freedesktop.systemd1",
  path: "/org/freedesktop/systemd1",
  interface: "org.freedesktop.systemd1.Manager",
} as const;

/** How long a job may take, in milliseconds. */
const jobTimeout = 50_000;

/** A connection to one systemd, the host's or a user's. Its methods throw BusError where it refuses. */
export class Manager implements Disposable {
  readonly #bus: Bus;

  private constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** @param address D-Bus address of the manager's bus */
  static connect(address: string): Manager {
    return new Manager(Bus.connect(address));
  }

  /**
   * Makes a scope with one process in it. One that did not come to be ends by itself with that process.
   * @throws BoxError when there is one of that name already
   */
  startScope({ name, properties }: UnitOps, pid: number): void {
    const all = [...properties.flatMap(asArguments), ...asArguments({ name: "PIDs", signature: "au", value: [pid] })];
    this.#watchJobs();
    within(
      () => `systemd: start ${quote(name)}`,
      () => this.#await(this.#startTransient(name, all), name, "start"),
    );
  }

  #startTransient(name: string, properties: readonly Value[]): Message {
    const start = (): Message => this.#call("StartTransientUnit", "ssa(sv)a(sa(sv))", [name, "fail", properties, []]);
    try {
      return start();
    } catch (thrown) {
      // One that has failed, and that its maker has left behind, keeps the name.
      if (!isError(thrown, "UnitExists") || !this.#resetFailed(name)) throw thrown;
      return start();
    }
  }

  /** Ends a unit and waits until systemd is done with it. One that is not there is no error. */
  stop(name: string): void {
    this.#watchJobs();
    within(
      () => `systemd: stop ${quote(name)}`,
      () => {
        try {
          this.#await(this.#call("StopUnit", "ss", [name, "replace"]), name, "stop");
          this.#resetFailed(name);
        } catch (thrown) {
          if (!isError(thrown, "NoSuchUnit")) throw thrown;
        }
      },
    );
  }

  /** Changes properties of a unit until it ends, and waits until they are in force. */
  setProperties(name: string, properties: readonly UnitProperty[]): void {
    within(
      () => `systemd: change ${quote(name)}`,
      () => {
        this.#call("SetUnitProperties", "sba(sv)", [name, true, properties.flatMap(asArguments)]);
        // systemd answers first and then writes the kernel's files; it has, when it answers the next question.
        this.#call("GetUnit", "s", [name]);
      },
    );
  }

  /** The values that these properties of a scope have now. */
  properties(unit: string, wanted: readonly UnitProperty[]): readonly UnitProperty[] {
    const path = this.#call("GetUnit", "s", [unit]).body[0];
    return wanted.map(({ name, signature }) => {
      const { body } = this.#bus.call({
        destination: manager.destination,
        path: typeof path === "string" ? path : manager.path,
        interface: "org.freedesktop.DBus.Properties",
        member: "Get",
        signature: "ss",
        body: ["org.freedesktop.systemd1.Scope", name],
      });
      const variant = body[0] as Variant | undefined;
      if (variant?.signature !== signature)
        throw new BoxError(`systemd: ${quote(unit)} has no ${name} of type ${signature}`);
      return { name, signature, value: variant.value as UnitValue };
    });
  }

  /** @returns whether there was a unit */
  #resetFailed(name: string): boolean {
    try {
      this.#call("ResetFailedUnit", "s", [name]);
      return true;
    } catch (thrown) {
      if (!isError(thrown, "NoSuchUnit")) throw thrown;
      return false;
    }
  }

  /** systemd sends signals only while somebody has asked for them. */
  #watchJobs(): void {
    this.#bus.watch(
      `type='signal',sender='${manager.destination}',path='${manager.path}',interface='${manager.interface}',member='JobRemoved'`,
    );
    this.#call("Subscribe", "", []);
  }

  #await({ body: [job], sender }: Message, name: string, what: string): void {
    const removed = this.#bus.signal(
      `the end of systemd's job to ${what} ${name}`,
      (signal) => signal.member === "JobRemoved" && signal.sender === sender && signal.body[1] === job,
      jobTimeout,
    );
    const result = removed.body[3];
    if (result !== "done") throw new BoxError(`systemd's job to ${what} it ended with ${quote(String(result))}`);
  }

  #call(member: string, signature: string, body: readonly Value[]): Message {
    return this.#bus.call({ ...manager, member, signature, body });
  }

  [Symbol.dispose](): void {
    this.#bus[Symbol.dispose]();
  }
}

function asArguments({ name, signature, value }: UnitProperty): Value[] {
  const whole: Value = [name, { signature, value }];
  // What is said of such a list is added to it, so it is emptied first.
  return signature === "a(ss)" ? [[name, { signature, value: [] }], whole] : [whole];
}

function isError(thrown: unknown, name: string): boolean {
  return thrown instanceof BusError && thrown.errorName === `org.freedesktop.systemd1.${name}`;
}
