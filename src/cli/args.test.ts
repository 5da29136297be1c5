import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { Arguments, type CommandTable, parseArguments, takeOption, UsageError } from "./args.ts";

/** A command with an option of every kind. */
const table: CommandTable = {
  name: "make",
  summary: "Makes.",
  operands: [{ name: "ID" }],
  options: [
    { name: "bundle", short: "b", value: "DIR", help: "where" },
    { name: "detach", short: "d", also: ["D", "background"], help: "return at once" },
    { name: "env", short: "e", value: "K=V", repeat: true, help: "a variable" },
    { name: "no-subreaper", help: "nothing", obsolete: true },
  ],
};

function parse(line: string, of: CommandTable = table): Arguments {
  return parseArguments(of, line === "" ? [] : line.split(" "));
}

/** The message of the refusal, which must be a usage error. */
function refusal(args: readonly string[], of: CommandTable = table): string {
  try {
    parseArguments(of, args);
  } catch (thrown) {
    assert.ok(thrown instanceof UsageError, String(thrown));
    return thrown.message;
  }
  return assert.fail(`${args.join(" ")} was accepted`);
}

describe("parseArguments() takes a value", () => {
  const forms = [
    "--bundle /b web",
    "--bundle=/b web",
    "-bundle /b web",
    "-bundle=/b web",
    "-b /b web",
    "-b=/b web",
    "web --bundle /b",
    "web --bundle=/b",
    "web -b /b",
    "-b /a --bundle=/b web",
    "-b /b -- web",
  ];
  for (const form of forms) {
    test(`as in ${form}`, () => {
      const args = parse(form);
      assert.equal(args.text("bundle"), "/b");
      assert.deepEqual(args.operands, ["web"]);
    });
  }

  test("that holds an equals sign or looks like an option", () => {
    assert.equal(parse("--bundle=a=b web").text("bundle"), "a=b");
    assert.equal(parse("--bundle --detach web").text("bundle"), "--detach");
    assert.equal(parse("--bundle -- web").text("bundle"), "--");
  });

  test("several times where the option repeats, in order", () => {
    assert.deepEqual(parse("-e A=1 web --env=B=2 -env C=3").texts("env"), ["A=1", "B=2", "C=3"]);
    assert.deepEqual(parse("web").texts("env"), []);
  });

  test("not at all where the option is absent", () => {
    assert.equal(parse("web").text("bundle"), undefined);
    assert.equal(parse("web").has("bundle"), false);
  });
});

describe("parseArguments() takes an empty value", () => {
  const root = { name: "root", value: "DIR", notEmpty: true, help: "" };
  const of: CommandTable = { ...table, options: [...table.options, root] };

  test("for an option that is not given, the last one counting", () => {
    for (const form of ["--bundle= web", "-b= web", "--bundle=/b --bundle= web"])
      assert.deepEqual([parse(form).has("bundle"), parse(form).text("bundle")], [false, undefined], form);
    const args = parseArguments(table, ["--bundle", "", "--bundle", "/b", "web"]);
    assert.deepEqual([args.text("bundle"), args.operands], ["/b", ["web"]]);
  });

  test("for one of the values of an option that repeats", () => {
    assert.deepEqual(parseArguments(table, ["-e", "", "-e=A=1", "web"]).texts("env"), ["", "A=1"]);
  });

  test("for an error where nothing was meant to be empty", () => {
    assert.equal(refusal(["--root", "", "web"], of), "--root: must not be empty");
    assert.equal(refusal(["--root=", "web"], of), "--root: must not be empty");
  });
});

describe("parseArguments() takes a flag", () => {
  for (const form of ["--detach web", "-detach web", "-d web", "web --detach", "web -d", "--detach=true web"]) {
    test(`as in ${form}`, () => assert.equal(parse(form).has("detach"), true));
  }

  for (const form of ["-D web", "--background web", "-background web", "web --background=true"]) {
    test(`by another name, as in ${form}`, () => assert.equal(parse(form).has("detach"), true));
  }

  test("as off when it says false, the last word counting", () => {
    assert.equal(parse("--detach=false web").has("detach"), false);
    assert.equal(parse("--detach --detach=false web").has("detach"), false);
    assert.equal(parse("--detach=false --detach web").has("detach"), true);
  });

  test("of callers of other runtimes in the one-dash form that they send", () => {
    assert.equal(parse("-no-subreaper web").has("no-subreaper"), true);
  });
});

describe("parseArguments() takes operands", () => {
  test("behind -- as they are", () => {
    assert.deepEqual(parse("-- --bundle").operands, ["--bundle"]);
    assert.deepEqual(parse("-d -- -").operands, ["-"]);
  });

  test("that are a dash or empty", () => {
    assert.deepEqual(parse("-").operands, ["-"]);
    assert.deepEqual(parseArguments(table, [""]).operands, [""]);
  });

  const exec: CommandTable = {
    ...table,
    name: "exec",
    operands: [{ name: "ID" }, { name: "COMMAND", optional: true, rest: true }],
    optionsFirst: true,
  };

  test("all from the first on where the rest is a command of its own", () => {
    const args = parse("-d web ls -b /x --help -- y", exec);
    assert.deepEqual(args.operands, ["web", "ls", "-b", "/x", "--help", "--", "y"]);
    assert.equal(args.has("detach"), true);
    assert.equal(args.has("bundle"), false);
    assert.equal(args.has("help"), false);
  });

  test("behind -- too where the rest is a command of its own", () => {
    assert.deepEqual(parse("-d -- web ls -b", exec).operands, ["web", "ls", "-b"]);
  });
});

describe("parseArguments() refuses", () => {
  const cases: [args: string[], message: string][] = [
    [["--nope", "web"], 'unknown option "--nope"'],
    [["--nope=1", "web"], 'unknown option "--nope=1"'],
    [["-x", "web"], 'unknown option "-x"'],
    [["--D", "web"], 'unknown option "--D"'],
    [["---detach", "web"], 'unknown option "---detach"'],
    [["--b", "/b", "web"], 'unknown option "--b"'],
    [["-db", "/b", "web"], 'unknown option "-db"'],
    [["--constructor", "web"], 'unknown option "--constructor"'],
    [["--__proto__=1", "web"], 'unknown option "--__proto__=1"'],
    [["--=x", "web"], 'unknown option "--=x"'],
    [["--DETACH", "web"], 'unknown option "--DETACH"'],
    [["--no\nway", "web"], 'unknown option "--no\\nway"'],
    [["web", "--bundle"], 'option "--bundle" needs a value: DIR'],
    [["web", "-b"], 'option "-b" needs a value: DIR'],
    [["--detach=1", "web"], 'option "--detach" takes no value'],
    [["--detach=", "web"], 'option "--detach" takes no value'],
    [["--help=yes"], 'option "--help" takes no value'],
    [[], "make: ID is missing"],
    [["-d"], "make: ID is missing"],
    [["--"], "make: ID is missing"],
    [["a", "b"], "make: too many arguments"],
    [["a", "--", "b"], "make: too many arguments"],
  ];
  for (const [args, message] of cases) {
    test(JSON.stringify(args), () => assert.equal(refusal(args), message));
  }

  test("any operand of a command that takes none", () => {
    assert.equal(refusal(["x"], { ...table, name: "list", operands: [] }), "list takes no arguments");
  });

  test("a third operand where the second is optional", () => {
    const kill = { ...table, name: "kill", operands: [{ name: "ID" }, { name: "SIGNAL", optional: true }] };
    assert.deepEqual(parse("a", kill).operands, ["a"]);
    assert.deepEqual(parse("a 9", kill).operands, ["a", "9"]);
    assert.equal(refusal(["a", "9", "b"], kill), "kill: too many arguments");
  });
});

test("parseArguments() asks for no operand where help is wanted", () => {
  assert.equal(parse("--help").has("help"), true);
  assert.equal(parse("-h").has("help"), true);
  assert.equal(parse("a b -h").has("help"), true);
});

describe("Arguments", () => {
  const withBundle = (value: string): Arguments => parseArguments(table, [`--bundle=${value}`, "web"]);

  test("count() takes whole numbers up to the largest, and 0 where the option is absent", () => {
    assert.equal(parse("web").count("bundle", 5), 0);
    for (const number of [0, 1, 5]) assert.equal(withBundle(`${number}`).count("bundle", 5), number);
    assert.equal(withBundle("4294967295").count("bundle", 4294967295), 4294967295);
  });

  test("count() refuses anything else", () => {
    for (const text of ["6", " ", "-1", "+1", "1.0", "1e0", "0x1", " 1", "1 ", "a", "99999999999", "１", "1\n"]) {
      const expected = {
        name: "UsageError",
        message: `--bundle: must be a number from 0 to 5, not ${JSON.stringify(text)}`,
      };
      assert.throws(() => withBundle(text).count("bundle", 5), expected);
    }
  });

  test("word() takes one of its words, the first by default", () => {
    assert.equal(parse("web").word("bundle", ["text", "json"]), "text");
    assert.equal(withBundle("json").word("bundle", ["text", "json"]), "json");
  });

  test("word() refuses anything else by name", () => {
    for (const text of [" ", "JSON", "jso", "text json", "0", "constructor"]) {
      const expected = { name: "UsageError", message: `--bundle: must be text or json, not ${JSON.stringify(text)}` };
      assert.throws(() => withBundle(text).word("bundle", ["text", "json"]), expected);
    }
  });
});

test("takeOption() says how many of the following arguments it used", () => {
  const parsed = new Arguments();
  assert.equal(takeOption(parsed, table.options, "--bundle", "/b"), 1);
  assert.equal(takeOption(parsed, table.options, "--bundle=/c", "/b"), 0);
  assert.equal(takeOption(parsed, table.options, "-d", "/b"), 0);
  assert.equal(parsed.text("bundle"), "/c");
});

const word = fc.oneof(
  fc.constantFrom("-", "--", "-b", "--bundle", "--bundle=", "-d", "--detach=x", "-e", "-h", "web", "", "=", "-="),
  fc.string(),
  fc.string().map((text) => `--${text}`),
);

test("parseArguments() gives arguments or a usage error, whatever the command line", () => {
  fc.assert(
    fc.property(fc.array(word), (args) => {
      try {
        parseArguments(table, args);
      } catch (thrown) {
        assert.ok(thrown instanceof UsageError, String(thrown));
      }
    }),
  );
});

test("parseArguments() leaves everything behind -- alone", () => {
  const many: CommandTable = { ...table, operands: [{ name: "ARG", optional: true, rest: true }] };
  fc.assert(
    fc.property(fc.array(word), (operands) => {
      assert.deepEqual(parseArguments(many, ["-d", "--", ...operands]).operands, operands);
    }),
  );
});
