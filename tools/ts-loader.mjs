// @ts-check
/** Lets Node 20 run our TypeScript: `node --import ./tools/ts-loader.mjs file.ts`. Types are dropped, not checked. */
import { register } from "node:module";

register("./ts-hooks.mjs", import.meta.url);
