import assert from "node:assert/strict";
import { test } from "node:test";
import type { IntelRdt } from "../spec/types.ts";
import { planResctrl } from "./plan.ts";

const plan = (rdt: IntelRdt | undefined) => planResctrl(rdt, "web", () => "/sys/fs/resctrl");

test("planResctrl() plans nothing where nothing is asked for, and does not look for resctrl", () => {
  assert.equal(
    planResctrl(undefined, "web", () => assert.fail("it looked")),
    undefined,
  );
});

test("planResctrl() makes a group of the container's own, which goes with it", () => {
  assert.deepEqual(plan({ l3CacheSchema: "L3:0=f", memBwSchema: "MB:0=20", schemata: ["L2:0=1", "L3:1=3"] }), {
    mount: "/sys/fs/resctrl",
    group: "web",
    mayMake: true,
    isOwn: true,
    mustMatch: [],
    schemata: ["L3:0=f", "MB:0=20", "L2:0=1", "L3:1=3"],
    monitoring: undefined,
  });
  assert.equal(plan({})?.mayMake, true);
});

test("planResctrl() takes a named group, which stays, and makes it only with a schema", () => {
  const { group, mayMake, isOwn, mustMatch } = plan({ closID: "gold" }) ?? {};
  assert.deepEqual(
    { group, mayMake, isOwn, mustMatch },
    { group: "gold", mayMake: false, isOwn: false, mustMatch: [] },
  );
  assert.equal(plan({ closID: "gold", schemata: ["MB:0=20"] })?.mayMake, true);
  assert.deepEqual(plan({ closID: "gold", l3CacheSchema: "L3:0=f", schemata: ["MB:0=20"] })?.mustMatch, ["L3:0=f"]);
});

test("planResctrl() takes the default group for /", () => {
  assert.equal(plan({ closID: "/" })?.group, "");
});

test("planResctrl() names a monitoring group after the container", () => {
  assert.equal(plan({ closID: "gold", enableMonitoring: true })?.monitoring, "web");
  assert.equal(plan({ enableMonitoring: false })?.monitoring, undefined);
});

test("planResctrl() refuses directories of resctrl's own, and a host without resctrl", () => {
  for (const closID of ["info", "mon_groups", "mon_data"]) {
    assert.throws(() => plan({ closID }), {
      message: `linux.intelRdt.closID: "${closID}" is a directory of resctrl's own`,
    });
  }
  assert.throws(() => planResctrl({}, "web", () => undefined), {
    message: "linux.intelRdt: this host has no resctrl mounted",
  });
});
