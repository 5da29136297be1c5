/** What the engine lacks, or must not have. Evaluated before everything else. */

// This release lacks the symbol by which `using` finds disposers.
Object.defineProperty(Symbol, "dispose", { value: Symbol.for("Symbol.dispose") });

// It would answer the same in every process that starts from the image (docs/decisions/0012-heap-image.md).
delete (Math as { random?: unknown }).random;
