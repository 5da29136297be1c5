/** `mounts add` and `mounts remove`: mounts of a container that is there already. */
import assert from "node:assert/strict";
import { chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Mount, Spec } from "./harness/config.ts";
import type { Container } from "./harness/container.ts";
import { ok, refused } from "./harness/expect.ts";
import type { Lab } from "./harness/lab.ts";
import { feature } from "./harness/suite.ts";

const scenario = feature("live mounts", { needs: ["command: mounts"] });

const boxOnly = "errors are told, and nothing is done";

const writable = (spec: Spec): void => {
  spec.root.readonly = false;
};

let files = 0;

/** The command, its file written. */
async function change(lab: Lab, action: string, { runtime, id }: Container, mounts: unknown) {
  const file = lab.path(`mounts-${++files}.json`);
  writeFileSync(file, JSON.stringify(mounts));
  return await runtime.call(["mounts", action, id, file]);
}

const add = async (lab: Lab, container: Container, ...mounts: Mount[]) =>
  ok(await change(lab, "add", container, mounts));
const remove = async (lab: Lab, container: Container, ...destinations: string[]) =>
  ok(
    await change(
      lab,
      "remove",
      container,
      destinations.map((destination) => ({ destination })),
    ),
  );

/** What a shell in the container prints. */
async function sees({ runtime, id }: Container, script: string): Promise<string> {
  return ok(await runtime.exec(id, ["/bin/sh", "-c", script])).stdout;
}

/** A directory of the host with one file. */
function directoryOf(lab: Lab): string {
  const directory = lab.path("given");
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/file`, "content\n");
  return directory;
}

const bind = (source: string, destination: string, ...options: string[]): Mount => ({
  destination,
  source,
  type: "bind",
  options: ["rbind", ...options],
});
const tmpfs = (destination: string, ...options: string[]): Mount => ({
  destination,
  type: "tmpfs",
  source: "tmpfs",
  options,
});

scenario("a directory of the host comes and goes", async (lab) => {
  const container = await lab.running(undefined, writable);
  await add(lab, container, bind(directoryOf(lab), "/data"));
  assert.equal(await sees(container, "cat /data/file; echo more >/data/made"), "content\n");
  assert.equal(readFileSync(lab.path("given/made"), "utf8"), "more\n");
  await remove(lab, container, "/data");
  assert.equal(await sees(container, "ls /data; grep -c /data /proc/mounts || true"), "0\n");
});

scenario("flags and options are those of config.json", async (lab) => {
  const container = await lab.running(undefined, writable);
  await add(lab, container, bind(directoryOf(lab), "/data", "ro", "noexec"), tmpfs("/memory", "size=1m", "nosuid"));
  const table = await sees(container, "grep -E ' /(data|memory) ' /proc/mounts");
  assert.match(table, / \/data \S+ ro,(\S*,)?noexec/);
  assert.match(table, / \/memory tmpfs rw,nosuid,(\S*,)?size=1024k/);
});

scenario("a file of the host comes over one of the container, and goes", async (lab) => {
  const container = await lab.running(undefined, writable);
  await add(lab, container, bind(`${directoryOf(lab)}/file`, "/etc/given"));
  assert.equal(await sees(container, "cat /etc/given"), "content\n");
  await remove(lab, container, "/etc/given");
  assert.equal(await sees(container, "cat /etc/given"), "");
});

scenario("the file may be standard input", { boxOnly: "-" }, async (lab) => {
  const container = await lab.running(undefined, writable);
  const input = JSON.stringify([tmpfs("/memory")]);
  ok(await container.runtime.call(["mounts", "add", container.id, "-"], { input }));
  assert.match(await sees(container, "cat /proc/mounts"), / \/memory tmpfs /);
});

scenario(
  "mounts of a created container are there when its program starts",
  { boxOnly: "crun: running ones" },
  async (lab) => {
    const container = await lab.created(["/bin/sh", "-c", "cat /data/file"], writable);
    await add(lab, container, bind(directoryOf(lab), "/data"));
    await container.start();
    assert.equal(await container.output(), "content\n");
  },
);

scenario("mounts of a paused container", { needs: ["command: pause", "cgroup: freezer"] }, async (lab) => {
  const container = await lab.running(undefined, writable);
  ok(await lab.runtime.pause(container.id));
  await add(lab, container, tmpfs("/memory"));
  ok(await lab.runtime.resume(container.id));
  assert.match(await sees(container, "cat /proc/mounts"), / \/memory tmpfs /);
});

scenario("a container in a user namespace gets them too", { root: "ids that are not the user's" }, async (lab) => {
  const container = lab.container(["/bin/probe", "wait"], (spec) => {
    spec.linux.namespaces.push({ type: "user" });
    spec.linux.uidMappings = spec.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  });
  // The container's root may not write to the image.
  for (const place of ["data", "memory"]) mkdirSync(`${container.rootfs}/mnt/${place}`, { recursive: true });
  chownSync(`${container.rootfs}/mnt/memory`, 100_000, 100_000);
  await (await container.create()).start();
  await add(lab, container, bind(directoryOf(lab), "/mnt/data"), tmpfs("/mnt/memory"));
  assert.equal(await sees(container, "cat /mnt/data/file; echo x >/mnt/memory/x && cat /mnt/memory/x"), "content\nx\n");
  await remove(lab, container, "/mnt/data", "/mnt/memory");
  assert.equal(await sees(container, "ls /mnt/data /mnt/memory"), "/mnt/data:\n\n/mnt/memory:\n");
});

scenario("nothing of it appears on the host", async (lab) => {
  const container = await lab.running(undefined, writable);
  const ours = (): string[] =>
    readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(lab.token));
  const before = ours();
  await add(lab, container, tmpfs("/memory"), bind(directoryOf(lab), "/data"));
  assert.deepEqual(ours(), before);
});

scenario("all mounts are made or none", { boxOnly }, async (lab) => {
  const container = await lab.running(undefined, writable);
  const before = await sees(container, "cat /proc/mounts");
  const good = [tmpfs("/memory"), bind(`${directoryOf(lab)}/file`, "/etc/given")];
  for (const [bad, text] of [
    [tmpfs("/proc/sys"), /only procfs|inside procfs/],
    [bind(lab.path("nothing"), "/data"), /no such file/],
    [tmpfs("/more", "size=x"), /fsconfig|invalid/],
  ] as const)
    refused(await change(lab, "add", container, [...good, bad]), text);
  assert.equal(await sees(container, "cat /proc/mounts"), before);
});

scenario("all mounts are removed or none", { boxOnly }, async (lab) => {
  const container = await lab.running(undefined, writable);
  await add(lab, container, tmpfs("/memory"));
  const destinations = [{ destination: "/memory" }, { destination: "/missing" }];
  refused(await change(lab, "remove", container, destinations), /mount "\/missing": openat2.*no such file/);
  assert.match(await sees(container, "cat /proc/mounts"), / \/memory tmpfs /);
  refused(await change(lab, "remove", container, [{ destination: "/etc" }]), /mount "\/etc": nothing is mounted there/);
});

scenario("a link leads the command to no mount that hides something", { boxOnly }, async (lab) => {
  const container = await lab.running(undefined, (spec) => {
    writable(spec);
    spec.linux.maskedPaths = ["/proc/timer_list", "/proc/keys"];
  });
  await sees(container, "ln -s /proc /way; ln -s /proc/keys /end");
  for (const destination of ["/way/timer_list", "/end"])
    refused(
      await change(lab, "remove", container, [{ destination }]),
      /too many.*symbolic links|ELOOP|nothing is mounted/,
    );
  assert.equal(await sees(container, "wc -c </proc/timer_list; wc -c </proc/keys"), "0\n0\n");
});

scenario("a link in the destination leads nowhere but into the container", async (lab) => {
  const outside = lab.path("outside");
  mkdirSync(outside);
  const container = await lab.running(undefined, writable);
  await sees(container, `mkdir -p ${outside}; ln -s ${outside} /link`);
  await add(lab, container, bind(directoryOf(lab), "/link"));
  assert.equal(await sees(container, `cat ${outside}/file`), "content\n");
  assert.doesNotMatch(readFileSync("/proc/self/mountinfo", "utf8"), new RegExp(outside));
});

scenario(
  "nobody in the container can look into the process that mounts",
  { boxOnly: "tried with box's own" },
  async (lab) => {
    const container = await lab.running(["/bin/probe", "spy"], (spec) => {
      writable(spec);
      spec.process.noNewPrivileges = true;
    });
    for (let count = 0; count < 20; count++) {
      await add(lab, container, tmpfs("/memory"));
      await remove(lab, container, "/memory");
    }
    container.say("\n");
    assert.equal(await container.line(/^(nothing|saw .*)$/), "nothing");
  },
);

const wrong: [what: string, args: string[], text: RegExp][] = [
  ["an unknown action", ["replace", "ID", "[]"], /ACTION must be add or remove, not "replace"/],
  ["no file", ["add", "ID"], /mounts: FILE is missing/],
  ["a file that holds no array", ["add", "ID", "{}"], /must be an array/],
  ["a mount without a destination", ["add", "ID", '[{"type":"tmpfs"}]'], /\[0\]\.destination: is required/],
  ["a bind without a source", ["add", "ID", '[{"destination":"/a","type":"bind"}]'], /\[0\]\.source: is required/],
  ["a view of cgroups", ["add", "ID", '[{"destination":"/a","type":"cgroup"}]'], /\[0\]\.type: the view of cgroups/],
  ["the root", ["add", "ID", '[{"destination":"/","type":"tmpfs"}]'], /\[0\]\.destination: must not be the root/],
  ["the root to be removed", ["remove", "ID", '[{"destination":"/"}]'], /must not be the root/],
];

for (const [what, [action = "", , text], expected] of wrong)
  scenario(`${what} is refused`, { boxOnly }, async (lab) => {
    const container = await lab.running();
    const file = lab.path("file.json");
    writeFileSync(file, text ?? "");
    const args = ["mounts", action, container.id, ...(text === undefined ? [] : [file])];
    refused(await container.runtime.call(args), expected);
  });

scenario("a stopped container is refused, and an unknown one", { boxOnly }, async (lab) => {
  const container = await lab.stopped();
  refused(await change(lab, "add", container, [tmpfs("/memory")]), /container not running/);
  await container.delete();
  refused(await change(lab, "add", container, [tmpfs("/memory")]), /container does not exist/);
});
