import assert from "node:assert/strict";
import { test } from "node:test";
import { hookKinds } from "../spec/vocabulary.ts";
import { planHooks } from "./plan.ts";

test("planHooks() plans none where the configuration has none", () => {
  const none = {
    prestart: [],
    createRuntime: [],
    createContainer: [],
    startContainer: [],
    poststart: [],
    poststop: [],
  };
  assert.deepEqual(planHooks(), none);
  assert.deepEqual(planHooks({}), none);
  assert.deepEqual(Object.keys(planHooks()), [...hookKinds]);
});

test("planHooks() keeps every kind apart, its hooks in order, and says where each stands", () => {
  for (const kind of hookKinds) {
    const planned = planHooks({ [kind]: [{ path: "/bin/a" }, { path: "/bin/b" }] });
    for (const other of hookKinds) {
      const expected = other === kind ? [`hooks.${kind}[0] /bin/a`, `hooks.${kind}[1] /bin/b`] : [];
      assert.deepEqual(
        planned[other].map(({ where, path }) => `${where} ${path}`),
        expected,
      );
    }
  }
});

test("planHooks() gives a hook exactly its arguments, environment and time", () => {
  const hook = { path: "/bin/a", args: ["a", "", "-x"], env: ["A=1"], timeout: 7 };
  assert.deepEqual(planHooks({ poststop: [hook] }).poststop, [{ where: "hooks.poststop[0]", ...hook }]);
});

test("planHooks() gives a hook without arguments its path, without environment nothing, and all the time it wants", () => {
  for (const hook of [{ path: "/bin/a" }, { path: "/bin/a", args: [] }]) {
    assert.deepEqual(planHooks({ prestart: [hook] }).prestart, [
      { where: "hooks.prestart[0]", path: "/bin/a", args: ["/bin/a"], env: [], timeout: undefined },
    ]);
  }
});

test("planHooks() leaves to a startContainer hook without environment the program's", () => {
  const planned = planHooks({ startContainer: [{ path: "/bin/a" }, { path: "/bin/b", env: [] }] }).startContainer;
  assert.deepEqual(
    planned.map(({ env }) => env),
    [undefined, []],
  );
});
