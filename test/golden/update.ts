/** Writes every plan.json anew from what the planner says now. */
import { readFileSync, writeFileSync } from "node:fs";
import { cases, planText } from "./cases.ts";

for (const [name, one] of Object.entries(cases)) {
  const config = readFileSync(new URL(`${name}/config.json`, import.meta.url), "utf8");
  writeFileSync(new URL(`${name}/plan.json`, import.meta.url), planText(config, one));
}
