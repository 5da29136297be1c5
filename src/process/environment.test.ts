import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { candidates, homeOf, valueOf } from "./environment.ts";

test("valueOf() gives the text behind the first equals sign", () => {
  const env = ["A=1", "B=", "C=x=y", "AB=2", "D"];
  const cases: [string, string | undefined][] = [
    ["A", "1"],
    ["B", ""],
    ["C", "x=y"],
    ["AB", "2"],
    ["D", undefined],
    ["", undefined],
    ["a", undefined],
  ];
  for (const [name, value] of cases) assert.equal(valueOf(env, name), value, name);
});

const passwd = `root:x:0:0:root:/root:/bin/sh
www:x:33:33:www data:/var/www:/usr/sbin/nologin
user:x:1000:1000::/home/user:/bin/sh
again:x:1000:1000::/home/again:/bin/sh
`;

test("homeOf() finds the home directory of an id, the first line counting", () => {
  assert.equal(homeOf(passwd, 0), "/root");
  assert.equal(homeOf(passwd, 33), "/var/www");
  assert.equal(homeOf(passwd, 1000), "/home/user");
});

test("homeOf() gives / for an id that is not there", () => {
  for (const text of ["", "\n", passwd]) assert.equal(homeOf(text, 4711), "/");
});

test("homeOf() skips what a hostile image writes in place of a line", () => {
  const lines = [
    // A name that is a number is no id (CVE-2016-3697).
    "1000:x:0:0::/evil:/bin/sh",
    "a:x:01000:0::/evil:/bin/sh",
    "a:x: 1000:0::/evil:/bin/sh",
    "a:x:1000 :0::/evil:/bin/sh",
    "a:x:+1000:0::/evil:/bin/sh",
    "a:x:1e3:0::/evil:/bin/sh",
    "a:x:0x3e8:0::/evil:/bin/sh",
    "a:x:4294968296:0::/evil:/bin/sh",
    "a:x:1000:0::evil:/bin/sh",
    "a:x:1000:0::../evil:/bin/sh",
    "a:x:1000:0:::/bin/sh",
    "a:x:1000:0::/evil",
    "a:x:1000",
    "1000",
    "::::::",
    "#a:x:1000:0",
    "+::::::",
    "\u0000",
    ":".repeat(10_000),
  ];
  for (const line of lines) {
    assert.equal(homeOf(`${line}\n`, 1000), "/", line.slice(0, 40));
    assert.equal(homeOf(`${line}\n${passwd}`, 1000), "/home/user", line.slice(0, 40));
  }
});

test("homeOf() gives one absolute path, whatever the file", () => {
  const field = fc.oneof(fc.constantFrom("0", "1000", "/", "/home", "x", ""), fc.string({ unit: "binary" }));
  const line = fc.array(field, { maxLength: 9 }).map((fields) => fields.join(":"));
  const text = fc.array(line).map((lines) => lines.join("\n"));
  fc.assert(
    fc.property(text, fc.constantFrom(0, 1000), (file, uid) => {
      const home = homeOf(file, uid);
      assert.ok(home.startsWith("/"));
      assert.ok(!home.includes("\n") && !home.includes(":"));
    }),
  );
});

test("candidates() takes a program with a slash as it is, whatever PATH says", () => {
  for (const program of ["/bin/sh", "./sh", "bin/sh", "../sh", "sh/"]) {
    assert.deepEqual(candidates(program, ["PATH=/usr/bin"]), [program]);
  }
});

test("candidates() has none for an empty name, which would be that of a directory", () => {
  assert.deepEqual(candidates("", ["PATH=/bin:"]), []);
});

test("candidates() tries every directory of PATH in order, an empty one being the working directory", () => {
  const cases: [string, string[]][] = [
    ["PATH=/a:/b", ["/a/sh", "/b/sh"]],
    ["PATH=/a::/b", ["/a/sh", "./sh", "/b/sh"]],
    ["PATH=:/a:", ["./sh", "/a/sh", "./sh"]],
    ["PATH=", ["./sh"]],
    ["PATH=bin", ["bin/sh"]],
  ];
  for (const [path, paths] of cases) assert.deepEqual(candidates("sh", ["X=1", path]), paths, path);
});

test("candidates() falls back to the usual directories where PATH is not set", () => {
  const usual = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  const expected = usual.map((directory) => `${directory}/sh`);
  assert.deepEqual(candidates("sh", []), expected);
  assert.deepEqual(candidates("sh", ["XPATH=/a", "PATHX=/b", "path=/c"]), expected);
});
