/** What Podman is to do for whoever calls it. */
import assert from "node:assert/strict";
import type { Check, Shell } from "./harness.ts";

/** @param by the shell of who calls */
export function podmanChecks(by: Shell): readonly Check[] {
  return [
    {
      name: "names its runtime",
      run: () => by.prints("podman info --format '{{.Host.OCIRuntime.Name}}'", /^(runc|box)$/),
    },
    { name: "run", run: () => by.prints("podman run --rm base echo hello", "hello") },
    { name: "run gives the exit status", run: () => by.endsWith(7, "podman run --rm base sh -c 'exit 7'") },
    {
      name: "run gives the signal",
      run: async () => {
        await by.sh("podman run -d --name c base sleep 600");
        await by.sh("podman kill -s KILL c");
        await by.prints("podman wait c", "137");
      },
    },
    { name: "a program that is not there", run: () => by.endsWith(127, "podman run --rm base /nothing") },
    {
      name: "a program that may not be executed",
      run: () => by.endsWith(126, "podman run --rm base /etc/notexecutable"),
    },
    { name: "run -i passes stdin on", run: () => by.prints("echo through | podman run --rm -i base cat", "through") },
    {
      name: "run -t gives a terminal",
      run: () => by.prints("podman run --rm -t base tty", /^\/dev\/(pts\/0|console)\r?$/),
    },
    {
      name: "create, start, wait, rm",
      run: async () => {
        await by.sh("podman create --name c base sh -c 'exit 3'");
        await by.sh("podman start c");
        await by.prints("podman wait c", "3");
        await by.sh("podman rm c");
      },
    },
    {
      name: "logs",
      run: async () => {
        await by.sh("podman run --name c base sh -c 'echo out; echo err >&2'");
        const { stdout, stderr } = await by.attempt("podman logs c");
        assert.deepEqual([stdout, stderr], ["out\n", "err\n"]);
      },
    },
    {
      name: "exec",
      run: async () => {
        await by.sh("podman run -d --name c -e A=1 base sleep 600");
        await by.prints("podman exec -e B=2 c sh -c 'echo $A $B'", "1 2");
        await by.prints("podman exec -w /tmp -u 1000 c sh -c 'pwd; id -u'", "/tmp\n1000");
        await by.endsWith(5, "podman exec c sh -c 'exit 5'");
        await by.endsWith(127, "podman exec c /nothing");
        await by.endsWith(126, "podman exec c /etc/notexecutable");
      },
    },
    {
      name: "exec -t, -i and -d",
      run: async () => {
        await by.sh("podman run -d --name c base sleep 600");
        await by.prints("podman exec -t c tty", /^\/dev\/pts\/\d\r?$/);
        await by.prints("echo through | podman exec -i c cat", "through");
        await by.sh("podman exec -d c touch /tmp/made");
        await by.becomes("podman exec c ls /tmp", "made");
      },
    },
    {
      name: "stop lets the program end",
      run: async () => {
        await by.sh(
          "podman run -d --name c base sh -c 'trap \"exit 4\" TERM; touch /tmp/ready; while :; do sleep 0.1; done'",
        );
        await by.becomes("podman exec c ls /tmp", "ready");
        await by.sh("podman stop c");
        await by.prints("podman inspect c --format '{{.State.ExitCode}} {{.State.Status}}'", "4 exited");
      },
    },
    {
      name: "stop ends what does not listen",
      run: async () => {
        await by.sh("podman run -d --name c base sleep 600");
        await by.sh("podman stop -t 1 c");
        await by.prints("podman inspect c --format '{{.State.ExitCode}}'", "137");
      },
    },
    {
      name: "kill",
      run: async () => {
        await by.sh(
          "podman run -d --name c base sh -c 'trap \"exit 9\" USR1; touch /tmp/ready; while :; do sleep 0.1; done'",
        );
        await by.becomes("podman exec c ls /tmp", "ready");
        await by.sh("podman kill -s USR1 c");
        await by.prints("podman wait c", "9");
      },
    },
    {
      name: "restart",
      run: async () => {
        await by.sh("podman run -d --name c base sleep 600");
        await by.sh("podman restart -t 0 c");
        await by.prints("podman inspect c --format '{{.State.Status}}'", "running");
      },
    },
    {
      name: "healthcheck",
      run: async () => {
        await by.sh("podman run -d --name c --health-cmd 'test -e /tmp/well' --health-interval disable base sleep 600");
        await by.endsWith(1, "podman healthcheck run c");
        await by.sh("podman exec c touch /tmp/well");
        await by.endsWith(0, "podman healthcheck run c");
      },
    },
    {
      name: "restart policy",
      run: async () => {
        await by.sh("podman run -d --name c --restart on-failure:2 base false");
        await by.becomes("podman inspect c --format '{{.RestartCount}} {{.State.Status}}'", "2 exited");
      },
    },
    {
      name: "volumes and tmpfs",
      run: async () => {
        await by.sh("podman run --rm -v v:/data base touch /data/kept");
        await by.prints(
          "podman run --rm -v v:/data:ro base sh -c 'ls /data; touch /data/x 2>/dev/null || echo no'",
          "kept\nno",
        );
        await by.sh("podman volume rm v");
        await by.prints("podman run --rm --tmpfs /t:size=1m base sh -c 'stat -f -c %T /t'", "tmpfs");
      },
    },
    {
      name: "read-only root",
      run: () => by.prints("podman run --rm --read-only base sh -c 'touch /x 2>/dev/null || echo no'", "no"),
    },
    {
      name: "capabilities",
      run: async () => {
        await by.prints("podman run --rm --cap-drop all base grep CapEff /proc/self/status", /0000000000000000$/);
        await by.prints(
          "podman run --rm --cap-drop all --cap-add net_raw base grep CapEff /proc/self/status",
          /0000000000002000$/,
        );
      },
    },
    {
      name: "seccomp filter",
      run: async () => {
        await by.prints("podman run --rm base grep Seccomp: /proc/self/status", /2$/);
        await by.prints("podman run --rm --security-opt seccomp=unconfined base grep Seccomp: /proc/self/status", /0$/);
      },
    },
    {
      name: "privileged",
      run: () =>
        by.prints("podman run --rm --privileged base sh -c 'mount -t tmpfs t /tmp && echo mounted'", "mounted"),
    },
    {
      name: "init process",
      run: () => by.prints("podman run --rm --init base cat /proc/1/comm", /^(catatonit|podman-init)$/),
    },
    {
      name: "cp, commit",
      run: async () => {
        await by.sh("podman run --name c base touch /made");
        await by.sh('to=$(mktemp -d) && podman cp c:/made "$to" && test -e "$to/made" && rm -r "$to"');
        await by.sh("podman commit -q c committed");
        await by.prints("podman run --rm committed ls /made", "/made");
        await by.sh("podman rmi committed");
      },
    },
    {
      name: "attach",
      run: async () => {
        await by.sh("podman run -d -i --name c base cat");
        await by.prints("(echo line; sleep 1) | timeout -s KILL 3 podman attach c || true", "line");
      },
    },
    {
      name: "events tell of the life",
      run: async () => {
        await by.sh("podman run --name c --rm base true");
        await by.prints(
          "podman events --stream=false --filter container=c --format '{{.Status}}' | tail -n 20",
          /create[\s\S]*start[\s\S]*died[\s\S]*remove/,
        );
      },
    },
  ];
}

/** Afterwards no container is left. */
export function withoutRemains(checks: readonly Check[], by: Shell): readonly Check[] {
  return checks.map((check) => ({
    ...check,
    run: async () => {
      try {
        await check.run();
      } finally {
        await by.attempt("podman pod rm -fa -t 0; podman rm -fa -t 0");
      }
    },
  }));
}
