import assert from "node:assert/strict";
import { test } from "node:test";
import { formerTexts } from "./settings.ts";

test("formerTexts() are what brings a file back", () => {
  const cases: readonly (readonly [name: string, key: string | undefined, content: string, texts: string[]])[] = [
    ["memory.max", undefined, "max\n", ["max"]],
    ["cpu.max", undefined, "max 100000\n", ["max 100000"]],
    ["cpuset.cpus", undefined, "\n", ["\n"]],
    ["memory.oom_control", undefined, "oom_kill_disable 1\nunder_oom 0\noom_kill 0\n", ["1"]],
    ["io.weight", undefined, "default 100\n8:0 200\n", ["default 100", "8:0 200"]],
    ["io.weight", "8:0", "default 100\n8:0 200\n", ["8:0 200"]],
    ["io.weight", "8:16", "default 100\n8:0 200\n", ["8:16 default"]],
    ["blkio.bfq.weight_device", "8:16", "", ["8:16 default"]],
    ["blkio.throttle.read_bps_device", "8:0", "8:0 1048576\n", ["8:0 1048576"]],
    ["blkio.throttle.read_bps_device", "8:1", "8:16 1048576\n", ["8:1 0"]],
    ["io.max", "8:0", "", ["8:0 rbps=max wbps=max riops=max wiops=max"]],
    ["rdma.max", "mlx", "", ["mlx hca_handle=max hca_object=max"]],
    ["net_prio.ifpriomap", "lo", "lo 5\neth0 0\n", ["lo 5"]],
  ];
  for (const [name, key, content, texts] of cases) assert.deepEqual(formerTexts(name, key, content), texts, name);
});
