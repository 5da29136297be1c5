/** Writes the table of docs/conformance.md: `node --import ./tools/ts-loader.mjs test/conformance/update.ts`. */
import { write } from "./table.ts";

write();
