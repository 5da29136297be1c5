/** Milliseconds that nothing takes on a machine however slow: the limit only turns a hang into a failure. */
export const hanging = 60_000;
