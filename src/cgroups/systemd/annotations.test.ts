import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { UnitValue } from "../ops.ts";
import { planProperties } from "./annotations.ts";

const planned = (name: string, value: string) => planProperties({ [`org.systemd.property.${name}`]: value });

describe("planProperties()", () => {
  const cases: [string, string, string, string, UnitValue][] = [
    ["CollectMode", "'inactive'", "CollectMode", "s", "inactive"],
    ["CollectMode", '"in\\"active"', "CollectMode", "s", 'in"active'],
    ["DefaultDependencies", "true", "DefaultDependencies", "b", true],
    ["TimeoutStopUSec", "uint64 5000000", "TimeoutStopUSec", "t", 5_000_000n],
    ["TimeoutStopUSec", "18446744073709551615", "TimeoutStopUSec", "t", 0xffff_ffff_ffff_ffffn],
    ["TimeoutStopSec", "7", "TimeoutStopUSec", "t", 7_000_000n],
    ["TimeoutStopSec", "double 1.5", "TimeoutStopUSec", "t", 1_500_000n],
    ["KillSignal", "int32 2", "KillSignal", "i", 2],
    ["ManagedOOMMemoryPressureLimit", "uint32 9", "ManagedOOMMemoryPressureLimit", "u", 9],
    ["After", "['a.service', \"b.service\"]", "After", "as", ["a.service", "b.service"]],
    ["After", "@as []", "After", "as", []],
  ];
  for (const [name, text, property, signature, value] of cases) {
    test(`${name} = ${text}`, () => assert.deepEqual(planned(name, text), [{ name: property, signature, value }]));
  }

  for (const name of [
    "ExecStart",
    "ExecStopPost",
    "Wants",
    "Requires",
    "BindsTo",
    "OnFailure",
    "User",
    "DeviceAllow",
    "BPFProgram",
    "Slice",
    "PIDs",
    "Delegate",
    "",
    "constructor",
    "CollectModeSec",
  ]) {
    test(`refuses ${name}`, () => assert.throws(() => planned(name, "'x'"), /not a property that a container may set/));
  }

  const wrong: [string, string][] = [
    ["CollectMode", "inactive"],
    ["CollectMode", "'a' 'b'"],
    ["DefaultDependencies", "1"],
    ["TimeoutStopUSec", "-1"],
    ["TimeoutStopUSec", "18446744073709551616"],
    ["TimeoutStopUSec", "int32 5"],
    ["TimeoutStopSec", "1 min"],
    ["KillSignal", "4294967296"],
    ["After", "'a.service'"],
    ["After", "['a.service',]"],
    ["After", "['a.service' 'b.service']"],
  ];
  for (const [name, text] of wrong) {
    test(`refuses ${name} = ${text}`, () => assert.throws(() => planned(name, text), /not a value of the D-Bus type/));
  }

  test("names every annotation that it refuses, and passes others over", () => {
    const annotations = {
      "org.systemd.property.ExecStart": "''",
      "org.systemd.property.User": "'x'",
      "org.example": "x",
    };
    assert.throws(() => planProperties(annotations), /ExecStart.*User/);
    assert.deepEqual(planProperties({ "org.example": "x" }), []);
  });
});
