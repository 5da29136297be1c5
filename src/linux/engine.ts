/** What the engine's host hands to TypeScript besides the kernel: the command line, named variables, lazy modules. */
export { argv, build, callerUmask, coreLimit, decodeUtf8, encodeUtf8, environ, load, sealed, sha256 } from "host";
