import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { signalNumber } from "./signals.ts";

/** signal(7), x86-64 and arm64. */
const table: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  IOT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  POLL: 29,
  PWR: 30,
  SYS: 31,
  UNUSED: 31,
  RTMIN: 34,
  "RTMIN+0": 34,
  "RTMIN+1": 35,
  "RTMIN+30": 64,
  RTMAX: 64,
  "RTMAX-0": 64,
  "RTMAX-1": 63,
  "RTMAX-30": 34,
};

test("signalNumber() knows every name, with and without SIG, in either case", () => {
  for (const [name, number] of Object.entries(table)) {
    for (const form of [name, `SIG${name}`, name.toLowerCase(), `sig${name.toLowerCase()}`, `Sig${name}`]) {
      assert.equal(signalNumber(form), number, form);
    }
  }
});

test("signalNumber() takes every number that the kernel has", () => {
  for (let number = 0; number <= 64; number++) assert.equal(signalNumber(`${number}`), number);
  assert.equal(signalNumber("09"), 9);
});

test("signalNumber() refuses everything else", () => {
  const refused = [
    ..."|SIG|sig|SIGSIGKILL|KILLKILL|KIL|KILLX| KILL|KILL |KILL\n|SIG KILL|SIG-KILL".split("|"),
    ...["00", "65", "99", "100", "-1", "-9", "+9", "9.0", "1e1", "0x9", "9 ", " 9", "9\n", "SIG9", "٩"],
    ...["RT", "RTMIN-1", "RTMAX+1", "RTMIN+31", "RTMAX-31", "RTMIN+", "RTMAX-", "RTMIN+1x", "RTMIN+-1", "RTMIN1"],
    ...["RTMIN+100", "RTMIN++1", "constructor", "__proto__", "toString", "hasOwnProperty"],
    // Letters that only become ASCII by upper-casing.
    ...["kıll", "\u017figkill", "\u017ftop"],
  ];
  for (const text of refused) assert.equal(signalNumber(text), undefined, JSON.stringify(text));
});

test("signalNumber() gives a signal's number or nothing, whatever the text", () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc
      .tuple(fc.constantFrom("", "SIG", "sig", "RTMIN", "RTMAX+", "RTMIN-"), fc.string())
      .map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, (name) => {
      const number = signalNumber(name);
      assert.ok(number === undefined || (Number.isInteger(number) && number >= 0 && number <= 64));
    }),
  );
});
