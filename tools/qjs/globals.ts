/** What fast-check looks up in its environment when it is loaded, and synchronous tests never call. */
function refuse(): never {
  throw new Error("tests that also run in the engine have no timers");
}

Object.assign(globalThis, { setTimeout: refuse, clearTimeout: refuse });

/** fast-check takes its seed from the time and this, which box does without (src/globals.ts). */
Object.assign(Math, { random: () => 0.5 });
