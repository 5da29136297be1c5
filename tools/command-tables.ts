/** The option tables of all commands, for what is generated from them. */
import { build } from "esbuild";
import type { CommandTable } from "../src/cli/args.ts";
import { commands } from "../src/cli/table.ts";

/** The commands import the rooms of the kernel, and those the native module: an empty one will do, nothing is called. */
export async function readTables(): Promise<readonly CommandTable[]> {
  const lines = commands.map(([name], index) => `export { table as t${index} } from "./src/cli/commands/${name}.ts";`);
  const { outputFiles } = await build({
    stdin: { contents: lines.join("\n"), resolveDir: "." },
    bundle: true,
    write: false,
    format: "esm",
    target: "node20",
    plugins: [
      {
        name: "empty-host",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^host$/ }, ({ path }) => ({ path, namespace: "empty" }));
          onLoad({ filter: /./, namespace: "empty" }, () => ({ contents: "module.exports = {};" }));
        },
      },
    ],
  });
  const code = encodeURIComponent(outputFiles[0]?.text ?? "");
  return Object.values((await import(`data:text/javascript,${code}`)) as Record<string, CommandTable>);
}
