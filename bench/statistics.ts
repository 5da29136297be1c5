/** Medians, and ratios of medians with their confidence. */

export interface Ratio {
  readonly value: number;
  /** The 95 % confidence interval. */
  readonly low: number;
  readonly high: number;
}

const resamples = 2000;

export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/**
 * median(a) ÷ median(b) of samples taken round by round. The interval comes from a bootstrap over rounds, not over
 * samples: what disturbs a round disturbs both.
 */
export function ratio(a: readonly number[], b: readonly number[]): Ratio {
  const ratios = Array.from({ length: resamples }, () => {
    const rounds = Array.from(a, () => Math.floor(Math.random() * a.length));
    return median(rounds.map((round) => a[round] as number)) / median(rounds.map((round) => b[round] as number));
  }).sort((x, y) => x - y);
  return {
    value: median(a) / median(b),
    low: ratios[Math.floor(0.025 * resamples)] as number,
    high: ratios[Math.floor(0.975 * resamples)] as number,
  };
}
