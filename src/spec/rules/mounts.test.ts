import assert from "node:assert/strict";
import { test } from "node:test";
import { put, verdictAfter, without } from "./verdict.ts";

const one = { containerID: 0, hostID: 1000, size: 1 };
const mount = (mount: object) => verdictAfter(put("mounts", [{ destination: "/ok" }, mount]));

test("mountRules() wants a destination, absolute or relative to the root", () => {
  assert.deepEqual(mount({ destination: "relative" }), []);
  assert.deepEqual(mount({ destination: "" }), ["mounts[1].destination: must not be empty"]);
});

test("mountRules() wants the source of a bind mount", () => {
  assert.deepEqual(mount({ destination: "/a", source: "b", options: ["rbind", "ro"] }), []);
  assert.deepEqual(mount({ destination: "/a", source: "", options: ["ro"] }), []);
  assert.deepEqual(mount({ destination: "/a", options: ["bind"] }), ["mounts[1].source: is required for a bind mount"]);
  assert.deepEqual(mount({ destination: "/a", source: "", options: ["ro", "rbind"] }), [
    "mounts[1].source: must not be empty",
  ]);
});

test("mountRules() wants both id mappings or none", () => {
  const bind = { destination: "/a", source: "/b", options: ["bind", "idmap"] };
  assert.deepEqual(mount({ ...bind, uidMappings: [one], gidMappings: [one] }), []);
  assert.deepEqual(mount({ ...bind, uidMappings: [one] }), [
    "mounts[1].gidMappings: is required when the other id mapping is given",
  ]);
  assert.deepEqual(mount({ ...bind, gidMappings: [one] }), [
    "mounts[1].uidMappings: is required when the other id mapping is given",
  ]);
  assert.deepEqual(mount({ ...bind, uidMappings: [one, one], gidMappings: [one] }), [
    "mounts[1].uidMappings[1].containerID: must not overlap the range of mounts[1].uidMappings[0]",
    "mounts[1].uidMappings[1].hostID: must not overlap the range of mounts[1].uidMappings[0]",
  ]);
  assert.equal(mount({ ...bind, uidMappings: [one], gidMappings: [one, one] }).length, 2);
});

test("mountRules() refuses idmap when there is nothing to map by", () => {
  for (const option of ["idmap", "ridmap"]) {
    const bind = { destination: "/a", source: "/b", options: [option, "bind"] };
    assert.deepEqual(mount(bind), []);
    const said = verdictAfter((spec) => {
      without(spec, "user");
      spec.mounts = [bind];
    });
    assert.deepEqual(said, ["mounts[0].options[0]: needs uidMappings and gidMappings, or a user namespace"]);
  }
});
