/** System-call numbers of the architecture this binary is built for: `#nr` is nr/<arch>.ts, chosen by the build. */
export * as NR from "#nr";
