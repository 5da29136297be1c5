/** Podman as an ordinary user. */
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { baseRootfs, becomes, type Check, type Engine, prints, sh, shell, write } from "./harness.ts";
import { configurePodman } from "./podman.ts";
import { podmanChecks, withoutRemains } from "./podman-checks.ts";

const user = { name: "someone", id: 1000, home: "/srv/someone", runtime: "/run/user/1000" };

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The command line by which the user runs a command. */
function as(command: string): string {
  const { name, home, runtime } = user;
  const env = `env -C ${home} HOME=${home} XDG_RUNTIME_DIR=${runtime} USER=${name}`;
  return `runuser -u ${name} -- ${env} sh -c ${quoted(command)}`;
}

const by = shell(as);

const checks: readonly Check[] = [
  {
    name: "the user is root in a namespace with subordinate ids",
    run: () => by.prints("podman run --rm base cat /proc/self/uid_map", /^ +0 +1000 +1\n +1 +400000 +65536$/),
  },
  {
    name: "another user of the image",
    run: () => by.prints("podman run --rm --user 1000:1000 base sh -c 'id -u; id -g'", "1000\n1000"),
  },
  {
    name: "userns=keep-id",
    run: () =>
      by.prints("podman run --rm --userns keep-id base sh -c 'id -u; touch /tmp/x && stat -c %u /tmp/x'", "1000\n1000"),
  },
  {
    name: "a read-only bind",
    run: async () => {
      await by.sh("mkdir -p bound && echo mine >bound/file");
      const script = "cat /b/file; touch /b/x 2>/dev/null || echo no";
      await by.prints(`podman run --rm -v ./bound:/b:ro base sh -c '${script}'`, "mine\nno");
    },
  },
  {
    name: "what it makes in a bind is the user's",
    run: async () => {
      await by.sh("mkdir -p made && podman run --rm -v ./made:/m base touch /m/file");
      await prints(`stat -c %u ${user.home}/made/file`, `${user.id}`);
    },
  },
  {
    name: "no new privileges",
    run: () =>
      by.prints(
        "podman run --rm --security-opt no-new-privileges base grep NoNewPrivs: /proc/self/status",
        /^NoNewPrivs:\s+1$/,
      ),
  },
  { name: "network of the host", run: () => by.prints("podman run --rm --network host base ip link", /lo:/) },
  { name: "no network", run: () => by.prints("podman run --rm --network none base ip -o link", /^1: lo:[^\n]*$/) },
  {
    name: "a network of the user's own, with a port",
    run: async () => {
      const web = "mkdir /www; echo page >/www/index.html; exec httpd -f -h /www -p 8080";
      await by.sh(`podman run -d --name c -p 18080:8080 base sh -c "${web}"`);
      await becomes("busybox wget -qO- http://127.0.0.1:18080/", "page");
    },
  },
  {
    name: "pod",
    run: async () => {
      await by.sh("podman pod create --name p --network none");
      await by.sh("podman run -d --pod p --name c base sleep 600");
      await by.prints("podman pod ps --format '{{.Status}} {{.NumberOfContainers}}'", "Running 2");
      await by.sh("podman pod stop -t 0 p && podman pod rm p");
    },
  },
  {
    name: "build",
    run: async () => {
      await by.sh(
        "mkdir -p built && printf 'FROM base\\nRUN echo made >/made\\nCMD cat /made\\n' >built/Containerfile",
      );
      await by.sh("podman build --network none -t built built");
      await by.prints("podman run --rm built", "made");
    },
  },
  {
    name: "limits of the program",
    run: () =>
      by.prints("podman run --rm --ulimit nofile=99:99 --hostname h base sh -c 'ulimit -n; hostname'", "99\nh"),
  },
];

export const rootless: Engine = {
  name: "rootless",
  start: async (runtime) => {
    configurePodman(runtime);
    const { name, id, home, runtime: directory } = user;
    await sh(`useradd --uid ${id} --home-dir ${home} --shell /bin/sh ${name}`);
    for (const path of [home, directory]) {
      mkdirSync(path, { recursive: true });
      chmodSync(path, 0o700);
      chownSync(path, id, id);
    }
    for (const file of ["/etc/subuid", "/etc/subgid"]) write(file, `${name}:400000:65536\n`);
    // pasta and slirp4netns make a device of their own; the host's node may be root's alone.
    await sh("mkdir -p /dev/net && mount -t tmpfs tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200");
    await sh(`tar -C ${baseRootfs()} -cf /srv/base.tar . && chmod 644 /srv/base.tar`);
    await by.sh("podman import /srv/base.tar base");
    return async () => {
      await by.attempt("podman rm -fa -t 0; podman system migrate");
    };
  },
  checks: withoutRemains([...podmanChecks(by), ...checks], by),
};
