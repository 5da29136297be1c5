import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandTable } from "./args.ts";
import { commandHelp, optionLines, overview, usageLine } from "./help.ts";
import { commands, globalOptions } from "./table.ts";

const table: CommandTable = {
  name: "make",
  summary: "Makes something.",
  operands: [{ name: "ID" }, { name: "ARG", optional: true, rest: true }],
  options: [
    { name: "bundle", short: "b", value: "DIR", help: "where it lies" },
    { name: "keep", help: "leave it there" },
    { name: "criu", value: "FILE", help: "of old", obsolete: true },
  ],
};

test("usageLine() names the operands, optional ones in brackets", () => {
  assert.equal(usageLine(table), "box make [options] ID [ARG...]");
  assert.equal(usageLine({ ...table, operands: [] }), "box make [options]");
  assert.equal(
    usageLine({ ...table, operands: [{ name: "ID" }, { name: "SIGNAL", optional: true }] }),
    "box make [options] ID [SIGNAL]",
  );
});

test("commandHelp() tells usage, summary and every option, --help among them", () => {
  assert.equal(
    commandHelp(table),
    `box make [options] ID [ARG...]

Makes something.

Options:
  -b, --bundle DIR  where it lies
      --keep        leave it there
  -h, --help        show this help
`,
  );
});

test("optionLines() leaves out what has no effect", () => {
  assert.ok(!optionLines(table.options).includes("criu"));
});

test("overview() lists every command and every global option", () => {
  const lines = overview().split("\n");
  for (const [name, summary] of commands) {
    assert.ok(
      lines.some((line) => line.startsWith(`  ${name} `) && line.endsWith(` ${summary}`)),
      name,
    );
  }
  for (const { name, help, obsolete } of globalOptions) {
    const shown = lines.some((line) => line.includes(`--${name}`) && line.endsWith(` ${help}`));
    assert.equal(shown, obsolete !== true, name);
  }
});
