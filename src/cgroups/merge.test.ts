import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Resources } from "../spec/types.ts";
import { mergeResources } from "./merge.ts";

const device = (minor: number) => ({ major: 8, minor });

describe("mergeResources() changes only what is set:", () => {
  const cases: readonly (readonly [string, base: Resources, change: Resources, all: Resources])[] = [
    ["nothing", { memory: { limit: 5 } }, {}, { memory: { limit: 5 } }],
    ["one value of a group", { cpu: { quota: 5, shares: 7 } }, { cpu: { quota: 6 } }, { cpu: { quota: 6, shares: 7 } }],
    [
      "a group that was not there",
      { pids: { limit: 1 } },
      { cpu: { idle: 1 } },
      { pids: { limit: 1 }, cpu: { idle: 1 } },
    ],
    [
      "no value that stands for nothing",
      { memory: { limit: 5 }, cpu: { shares: 7, cpus: "1" } },
      { memory: { limit: 0 }, cpu: { shares: 0, cpus: "" }, blockIO: {}, devices: [], hugepageLimits: [] },
      { memory: { limit: 5 }, cpu: { shares: 7, cpus: "1" } },
    ],
    ["a limit of 0 that is one", { pids: { limit: 5 } }, { pids: { limit: 0 } }, { pids: { limit: 0 } }],
    [
      "the limit of memory and swap with that of memory, when there is to be none",
      { memory: { limit: 5, swap: 9 } },
      { memory: { limit: -1 } },
      { memory: { limit: -1, swap: -1 } },
    ],
    [
      "devices by their number",
      {
        blockIO: {
          weight: 3,
          throttleReadBpsDevice: [
            { ...device(0), rate: 1 },
            { ...device(16), rate: 2 },
          ],
        },
      },
      {
        blockIO: {
          throttleReadBpsDevice: [
            { ...device(16), rate: 5 },
            { ...device(32), rate: 6 },
          ],
        },
      },
      {
        blockIO: {
          weight: 3,
          throttleReadBpsDevice: [
            { ...device(0), rate: 1 },
            { ...device(16), rate: 5 },
            { ...device(32), rate: 6 },
          ],
        },
      },
    ],
    [
      "one of the two weights of a device",
      { blockIO: { weightDevice: [{ ...device(0), weight: 10, leafWeight: 20 }] } },
      { blockIO: { weightDevice: [{ ...device(0), weight: 30 }] } },
      { blockIO: { weightDevice: [{ ...device(0), weight: 30, leafWeight: 20 }] } },
    ],
    [
      "page sizes, interfaces and rdma devices by name",
      {
        hugepageLimits: [{ pageSize: "2MB", limit: 1 }],
        network: { classID: 5, priorities: [{ name: "lo", priority: 1 }] },
        rdma: { mlx: { hcaHandles: 1, hcaObjects: 2 } },
      },
      {
        hugepageLimits: [
          { pageSize: "2MB", limit: 2 },
          { pageSize: "1GB", limit: 3 },
        ],
        network: { priorities: [{ name: "eth0", priority: 2 }] },
        rdma: { mlx: { hcaObjects: 3 } },
      },
      {
        hugepageLimits: [
          { pageSize: "2MB", limit: 2 },
          { pageSize: "1GB", limit: 3 },
        ],
        network: {
          classID: 5,
          priorities: [
            { name: "lo", priority: 1 },
            { name: "eth0", priority: 2 },
          ],
        },
        rdma: { mlx: { hcaHandles: 1, hcaObjects: 3 } },
      },
    ],
    [
      "files of unified by name, and the rules of devices as a whole",
      { unified: { "memory.high": "1", "io.weight": "2" }, devices: [{ allow: false }] },
      { unified: { "memory.high": "3" }, devices: [{ allow: true, type: "c" }] },
      { unified: { "memory.high": "3", "io.weight": "2" }, devices: [{ allow: true, type: "c" }] },
    ],
  ];
  for (const [what, base, change, all] of cases) {
    test(what, () => {
      const before = JSON.stringify([base, change]);
      assert.deepEqual(mergeResources(base, change), all);
      assert.equal(JSON.stringify([base, change]), before);
    });
  }
});
