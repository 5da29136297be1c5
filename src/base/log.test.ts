import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { BoxError } from "./errors.ts";
import { type Level, Log, type LogOptions } from "./log.ts";

const now = "2026-01-02T03:04:05.678Z";

interface Recorded {
  readonly log: Log;
  /** Lines as `--log` gets them. */
  readonly written: string[];
  /** Lines as the terminal gets them. */
  readonly shown: string[];
}

function record(format: LogOptions["format"], level: Level, toFile: boolean): Recorded {
  const written: string[] = [];
  const shown: string[] = [];
  const show = toFile ? (line: string) => shown.push(line) : undefined;
  const log = new Log({ format, level, now: () => now, write: (line) => written.push(line), show });
  return { log, written, shown };
}

describe("Log as text", () => {
  test("error() is one line for the terminal when there is no log file", () => {
    const { log, written } = record("text", "warning", false);
    log.error(new BoxError("it broke"));
    assert.deepEqual(written, ["box: it broke"]);
  });

  test("error() goes to the log file with time and level, and to the terminal as well", () => {
    const { log, written, shown } = record("text", "warning", true);
    log.error(new BoxError('a "quoted" name'));
    assert.deepEqual(written, [`time="${now}" level=error msg="a \\"quoted\\" name"`]);
    assert.deepEqual(shown, ['box: a "quoted" name']);
  });

  test("warn() and debug() name their level", () => {
    const { log, written } = record("text", "debug", false);
    log.warn("odd");
    log.flush();
    log.debug("step");
    assert.deepEqual(written, ["box: warning: odd", "box: debug: step"]);
  });
});

describe("Log as JSON", () => {
  test("error() is one object with level, msg, time and the details", () => {
    const { log, written } = record("json", "warning", true);
    log.error(new BoxError("mount: EPERM", { syscall: "mount", errno: "EPERM", path: "/proc" }));
    assert.equal(written.length, 1);
    assert.deepEqual(JSON.parse(written[0] ?? ""), {
      level: "error",
      msg: "mount: EPERM",
      time: now,
      syscall: "mount",
      errno: "EPERM",
      path: "/proc",
    });
  });

  test("error() of something that is no BoxError has no details", () => {
    const { log, written } = record("json", "warning", true);
    log.error(new TypeError("x"));
    assert.deepEqual(JSON.parse(written[0] ?? ""), { level: "error", msg: "x", time: now });
  });

  test("a failed command leaves one error object and no warning: callers decode the file as one", () => {
    const { log, written } = record("json", "warning", true);
    log.warn("first");
    log.warn("second");
    log.error(new BoxError("it broke"));
    assert.equal(written.length, 1);
  });
});

describe("Log holds warnings back", () => {
  test("flush() writes them in order, and once", () => {
    const { log, written } = record("text", "warning", false);
    log.warn("a");
    log.warn("b");
    assert.deepEqual(written, []);
    log.flush();
    log.flush();
    assert.deepEqual(written, ["box: warning: a", "box: warning: b"]);
  });

  test("each level lets through what is as grave or graver", () => {
    const seen = (level: Level): string[] => {
      const { log, written } = record("text", level, false);
      log.debug("d");
      log.warn("w");
      log.flush();
      log.error(new BoxError("e"));
      return written;
    };
    assert.deepEqual(seen("error"), ["box: e"]);
    assert.deepEqual(seen("warning"), ["box: warning: w", "box: e"]);
    assert.deepEqual(seen("debug"), ["box: debug: d", "box: warning: w", "box: e"]);
  });
});

describe("Log lines cannot be forged", () => {
  test("control characters, line separators and marks that reorder text are escaped", () => {
    const cases: [string, string][] = [
      ["a\nbox: b", "box: a\\nbox: b"],
      ["a\rb\tc", "box: a\\rb\\tc"],
      ["\u001b[2Ja", "box: \\u001b[2Ja"],
      ["a\u0085b\u009bc", "box: a\\u0085b\\u009bc"],
      ["a\u2028b\u2029c", "box: a\\u2028b\\u2029c"],
      ["a\u202eb\u2066c\ufeffd", "box: a\\u202eb\\u2066c\\ufeffd"],
      ["a\ud800b", "box: a\\ud800b"],
      ["é 漢 \u{1F600}", "box: é 漢 \u{1F600}"],
    ];
    for (const [message, line] of cases) {
      const { log, written } = record("text", "warning", false);
      log.error(new BoxError(message));
      assert.deepEqual(written, [line]);
    }
  });

  // Anything that is no line of its own: the sink adds the only line end, and it takes UTF-8, so no torn pairs.
  const unsafe =
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
  const message = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    fc
      .array(fc.constantFrom("a", "\n", "\u001b", "\u0085", "\u009b", "\u2028", "\ud800"))
      .map((parts) => parts.join("")),
  );

  test("any message gives one printable line in either format", () => {
    fc.assert(
      fc.property(message, message, fc.constantFrom("text", "json"), fc.boolean(), (text, path, format, toFile) => {
        const { log, written, shown } = record(format, "debug", toFile);
        log.warn(text);
        log.flush();
        log.debug(text);
        log.error(new BoxError(text, { path }));
        assert.equal(written.length, 3);
        assert.equal(shown.length, toFile ? 1 : 0);
        for (const line of [...written, ...shown]) assert.ok(!unsafe.test(line), JSON.stringify(line));
        if (format === "json") for (const line of written) assert.equal(JSON.parse(line).time, now);
      }),
    );
  });
});
