import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DeviceRule } from "../../spec/types.ts";
import { planDeviceRules } from "../devices.ts";
import type { DeviceRuleOp } from "../ops.ts";
import { devicePropertiesOf } from "./devices.ts";

const propertiesOf = (rules: readonly DeviceRuleOp[]) =>
  devicePropertiesOf(rules).map(({ name, value }) => [name, value]);
const rule = (allow: boolean, type: DeviceRuleOp["type"], major?: number, minor?: number, access = "rwm") => ({
  ...{ allow, type, major, minor, access },
});
const nothing = rule(false, "all");

describe("devicePropertiesOf()", () => {
  test("says nothing where nothing is asked for", () => assert.deepEqual(propertiesOf([]), []));

  test("lists what is allowed: a device, a driver, all of a type", () => {
    const rules = [
      nothing,
      rule(true, "char", 1, 3),
      rule(true, "block", 8, 0, "r"),
      rule(true, "char", 136),
      rule(true, "block", undefined, undefined, "m"),
    ];
    assert.deepEqual(propertiesOf(rules), [
      ["DevicePolicy", "strict"],
      [
        "DeviceAllow",
        [
          ["/dev/char/1:3", "rwm"],
          ["/dev/block/8:0", "r"],
          ["char-136", "rwm"],
          ["block-*", "m"],
        ],
      ],
    ]);
  });

  test("says what is left of several rules for one device", () => {
    const rules = [
      nothing,
      rule(true, "char", 1, 3),
      rule(false, "char", 1, 3, "w"),
      rule(true, "char", 4, 1),
      nothing,
    ];
    assert.deepEqual(propertiesOf(rules.slice(0, 3)), [
      ["DevicePolicy", "strict"],
      ["DeviceAllow", [["/dev/char/1:3", "rm"]]],
    ]);
    assert.deepEqual(propertiesOf(rules), [
      ["DevicePolicy", "strict"],
      ["DeviceAllow", []],
    ]);
  });

  test("leaves everything to a container that may use everything", () => {
    const rules: DeviceRule[] = [{ allow: false }, { allow: true, access: "rwm" }];
    assert.deepEqual(propertiesOf(planDeviceRules(rules)), [
      ["DevicePolicy", "auto"],
      ["DeviceAllow", []],
    ]);
  });

  test("refuses what a list of what is allowed cannot say", () => {
    assert.throws(() => propertiesOf([rule(true, "all"), rule(false, "char", 1, 3)]), /forbid some devices/);
    assert.throws(() => propertiesOf([rule(false, "char", 1, 3)]), /forbid some devices/);
    assert.throws(() => propertiesOf([nothing, rule(true, "char", undefined, 3)]), /minor number \(3\)/);
  });
});
