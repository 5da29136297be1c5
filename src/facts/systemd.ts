/** Which systemd makes scopes for this process, and where. Read when the systemd driver is asked for, and only then. */
import { BoxError } from "../base/errors.ts";
import { Bus } from "../dbus/bus.ts";
import type { Variant } from "../dbus/wire.ts";
import { ENOENT, O_PATH } from "../linux/constants.ts";
import { environ } from "../linux/engine.ts";
import { open } from "../linux/file.ts";
import { isErrno } from "../linux/raw.ts";
import { isRootOfUser, runtimeDirectory } from "./runtime-directory.ts";

export interface SystemdFacts {
  /** D-Bus address of its bus. */
  readonly bus: string;
  /** Whether it is a user's own manager and not the system's. */
  readonly isUser: boolean;
  /** The cgroup below which it keeps its slices: empty for the system's. */
  readonly controlGroup: string;
}

/** @throws BoxError where systemd does not run, or its bus cannot be reached */
export function readSystemd(euid: number): SystemdFacts {
  requireSystemd();
  const isUser = euid !== 0 || isRootOfUser();
  const address = isUser ? userBus(euid) : "unix:path=/run/dbus/system_bus_socket";
  using bus = Bus.connect(address);
  const { body } = bus.call({
    destination: "org.freedesktop.systemd1",
    path: "/org/freedesktop/systemd1",
    interface: "org.freedesktop.DBus.Properties",
    member: "Get",
    signature: "ss",
    body: ["org.freedesktop.systemd1.Manager", "ControlGroup"],
  });
  const { value } = (body[0] ?? {}) as Partial<Variant>;
  if (typeof value !== "string" || value.split("/").includes(".."))
    throw new BoxError("systemd does not tell its cgroup");
  return { bus: address, isUser, controlGroup: value === "/" ? "" : value };
}

/** As sd_booted(3). */
function requireSystemd(): void {
  try {
    open("cwd", "/run/systemd/system", O_PATH).close();
  } catch (thrown) {
    if (!isErrno(thrown, ENOENT)) throw thrown;
    throw new BoxError(
      "the systemd cgroup driver: systemd does not run on this host (there is no /run/systemd/system)",
    );
  }
}

function userBus(euid: number): string {
  const address = environ["DBUS_SESSION_BUS_ADDRESS"];
  if (address !== undefined && address !== "") return address;
  const directory = runtimeDirectory(euid);
  if (directory === undefined)
    throw new BoxError("the systemd cgroup driver: neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set");
  return `unix:path=${directory}/bus`;
}
