/** What fast-check looks up in its environment when it is loaded, and synchronous tests never call. */
function refuse(): never {
  throw new Error("tests that also run in the engine have no timers");
}

Object.assign(globalThis, { setTimeout: refuse, clearTimeout: refuse });
