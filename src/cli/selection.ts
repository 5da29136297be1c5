/** The containers that a command is for: one by its id, or with `--regex` all whose id matches. */
import { BoxError, messageOf } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { checkId } from "../container/id.ts";
import type { Store } from "../container/store.ts";
import { type Arguments, type Option, UsageError } from "./args.ts";

export const regexOption: Option = {
  name: "regex",
  short: "r",
  help: "ID is a regular expression: all containers in whose id it matches",
};

/** Does something with each; one that fails does not keep the others from it. @throws BoxError with all failures */
export function forSelected(args: Arguments, store: Store, action: (id: string) => void): void {
  if (!args.has("regex")) {
    action(checkId(args.operand(0)));
    return;
  }
  const expression = expressionIn(args.operand(0));
  const failures: BoxError[] = [];
  for (const id of (store.ids() ?? []).filter((candidate) => expression.test(candidate))) {
    try {
      action(id);
    } catch (thrown) {
      if (!(thrown instanceof BoxError)) throw thrown;
      failures.push(thrown);
    }
  }
  const [first] = failures;
  if (first !== undefined) throw new BoxError(failures.map(messageOf).join("; "), first.details);
}

function expressionIn(text: string): RegExp {
  // A variable that is not set would select all.
  if (text === "") throw new UsageError("--regex: the expression must not be empty (. is for all)");
  try {
    return new RegExp(text);
  } catch (thrown) {
    throw new UsageError(`--regex: ${quote(text)} is no regular expression: ${messageOf(thrown)}`);
  }
}
