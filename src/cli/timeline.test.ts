import assert from "node:assert/strict";
import { test } from "node:test";
import { readTimeline, report } from "./timeline.ts";

const events = [
  { pid: 7, tid: 1, name: "process_name", ph: "M", args: { name: "box run web" } },
  { pid: 7, tid: 1, name: "thread_name", ph: "M", args: { name: "host side" } },
  { pid: 7, tid: 1, name: "openat", cat: "syscall", ph: "X", ts: 1100, dur: 20, args: { about: "a", result: 3 } },
  { pid: 7, tid: 1, name: "plan", cat: "step", ph: "X", ts: 1000, dur: 500 },
  { pid: 7, tid: 65, name: "thread_name", ph: "M", args: { name: "init" } },
  { pid: 7, tid: 65, name: "mount", cat: "syscall", ph: "X", ts: 1300.5, dur: 90, args: { result: "EPERM" } },
  { pid: 7, tid: 65, name: "mounts", cat: "step", ph: "X", ts: 1300, dur: 100 },
];
const lines = events.map((event) => `${JSON.stringify(event)},\n`);
const text = `[\n${lines.join("")}`;

test("report() shows the steps of each process with their calls, then the longest calls", () => {
  assert.equal(
    report(readTimeline(text, "t")),
    `box run web
       at      took     calls  in calls
                                        host side
    0.000     0.500         1     0.020   plan
                                        init
    0.300     0.100         1     0.090   mounts

       at      took              result longest calls
    0.300     0.090               EPERM init: mount()
    0.100     0.020                   3 host side: openat("a")

`,
  );
});

test("report() keeps commands apart that have added to one file", () => {
  const other = text.replaceAll('"pid":7', '"pid":8').replace("box run web", "box state web");
  assert.deepEqual(report(readTimeline(text + other, "t")).match(/^box .*/gm), ["box run web", "box state web"]);
});

test("readTimeline() passes over a last line that a killed process has cut, and over no other", () => {
  assert.equal(readTimeline(`${text}{"pid":7,"ti`, "t").size, 1);
  assert.throws(() => readTimeline(`[\n{"pid":7,"ti\n${lines.join("")}`, "t"), {
    message: '"t": line 2 is not of a --trace file',
  });
  assert.throws(() => readTimeline("[\n{}\n", "t"), /line 2 is not/);
});
