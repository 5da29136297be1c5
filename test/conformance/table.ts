/** The table of docs/conformance.md out of rows.ts. */
import { readFileSync, writeFileSync } from "node:fs";
import { type Row, sections } from "./rows.ts";

const path = "docs/conformance.md";
const [begin, end] = ["<!-- properties: begin -->\n", "<!-- properties: end -->\n"];

/** The page as it is, and as it must be. */
export function pages(): { readonly now: string; readonly wanted: string } {
  const now = readFileSync(path, "utf8");
  const [before, rest] = now.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${path} has no markers`);
  return { now, wanted: `${before}${begin}${table()}${end}${after}` };
}

export function write(): void {
  writeFileSync(path, pages().wanted);
}

function table(): string {
  const parts = sections.map(({ title, rows }) =>
    [
      `### ${title}`,
      "",
      "| property | box | what is tested | tests |",
      "|---|---|---|---|",
      ...rows.map(line),
      "",
    ].join("\n"),
  );
  return `\n${parts.join("\n")}\n${counts()}\n\n`;
}

function line({ properties = [], what, verdict, reason, tests }: Row): string {
  const told = reason === undefined ? verdict : `${verdict}: ${reason}`;
  return `| ${properties.map((name) => `\`${name}\``).join(", ")} | ${told} | ${what} | ${tests.map(escape).join("<br>")} |`;
}

function escape(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

function counts(): string {
  const rows = sections.flatMap((section) => section.rows);
  const of = (verdict: Row["verdict"]): number => rows.filter((row) => row.verdict === verdict).length;
  return `${rows.length} rows: ${of("done")} done, ${of("to the plan")} tested down to the plan, ${of("refused")} refused, ${of("ignored")} ignored.`;
}
