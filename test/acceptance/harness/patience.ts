/** Time limits only turn a hang into a failure. A slow machine (an emulator) gets more of them: PATIENCE=n. */

const factor = Number(process.env["PATIENCE"] || 1);

/** @param milliseconds on a machine of common speed */
export function patient(milliseconds: number): number {
  return milliseconds * factor;
}
