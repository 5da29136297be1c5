import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BoxError } from "../base/errors.ts";
import { rowsOf } from "./ps-table.ts";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
const rows = (text: string, ...pids: number[]): string =>
  Array.from(rowsOf(bytes(text), new Set(pids)), (byte) => String.fromCharCode(byte)).join("");

describe("rowsOf()", () => {
  test("keeps the header and the rows whose PID is among the given", () => {
    const table = "UID   PID  PPID CMD\nroot    1     0 init\nroot   12     1 sh -c 13\nroot   13    12 cat\n";
    assert.equal(rows(table, 12, 99), "UID   PID  PPID CMD\nroot   12     1 sh -c 13\n");
    assert.equal(rows(table), "UID   PID  PPID CMD\n");
  });

  test("finds the column wherever it is", () => {
    assert.equal(rows("  PID TTY\n    7 ?\n   70 ?", 70), "  PID TTY\n   70 ?");
    assert.equal(rows("PPID PID\n7 8\n8 9\n", 8), "PPID PID\n7 8\n");
  });

  test("keeps bytes that are no UTF-8", () => {
    assert.equal(rows("PID CMD\n7 \xff\xfe\n", 7), "PID CMD\n7 \xff\xfe\n");
  });

  test("refuses a table without the column", () => {
    const refused = (error: unknown): boolean =>
      error instanceof BoxError && error.message === "ps: its output has no column PID";
    for (const table of ["", "PPID CMD\n1 a\n"]) assert.throws(() => rows(table, 1), refused);
  });
});
