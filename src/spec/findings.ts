/**
 * What is wrong with a configuration: problems refuse it, warnings are told and change nothing.
 *
 * A path is written as in JavaScript, `linux.namespaces[2].type`, from the top of the document that the user wrote.
 */
import { BoxError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";

/** One thing that is wrong, and where. */
export interface Finding {
  readonly path: string;
  readonly message: string;
}

/** How many findings are kept of a document; a hostile one could have millions. */
const kept = 100;
/** How many an error message names. */
const shown = 3;

/** Collects what the schema and the rules find. */
export class Findings {
  readonly problems: Finding[] = [];
  readonly warnings: Finding[] = [];
  /** How many were found and not kept. */
  dropped = 0;

  /** Something that must be refused. */
  problem(path: string, message: string): void {
    this.#keep(this.problems, path, message);
  }

  /** Something that the specification tells to report and not to refuse. */
  warning(path: string, message: string): void {
    this.#keep(this.warnings, path, message);
  }

  #keep(findings: Finding[], path: string, message: string): void {
    if (findings.length < kept) findings.push({ path: trim(path), message });
    else this.dropped++;
  }

  /** @throws BoxError with the first problems, on one line. */
  refuseProblems(): void {
    if (this.problems.length > 0) throw new BoxError(summary(this.problems));
  }
}

/** The first findings and the number of the others, on one line. */
export function summary(findings: readonly Finding[]): string {
  const rest = findings.length - shown;
  const texts = findings.slice(0, shown).map(format);
  return texts.join("; ") + (rest > 0 ? `; and ${rest} more` : "");
}

/** `path: message`, or the message alone for the document as a whole. */
export function format(finding: Finding): string {
  return finding.path === "" ? finding.message : `${finding.path}: ${finding.message}`;
}

/** The path of a map's entry, `["the key"]`, to be put behind the map's path. */
export function entry(key: string): string {
  return `[${quote(key)}]`;
}

function trim(path: string): string {
  return path.startsWith(".") ? path.slice(1) : path;
}
