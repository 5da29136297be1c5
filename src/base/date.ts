/** Dates as text. By hand: nothing else would need the engine's Date, which has a place in every process. */

const daySeconds = 86_400;
/** Of 400 years, a whole cycle of the calendar. */
const cycleDays = 146_097;
/** From 1 March of the year 0, a day on which a cycle begins, to 1 January 1970. */
const daysBefore1970 = 719_468;

/** Seconds since 1970 as RFC 3339 in UTC, without a zone: `2026-11-28T17:00:00`. */
export function dateTime(seconds: number): string {
  const days = Math.floor(seconds / daySeconds);
  const second = seconds - days * daySeconds;
  const [hour, minute] = [Math.floor(second / 3600), Math.floor(second / 60) % 60];
  return `${dateOf(days)}T${two(hour)}:${two(minute)}:${two(second % 60)}`;
}

/**
 * Years are counted from March on, so that the day that may be missing is the last one of its year, and months have 30.6 days
 * from the first to the last.
 */
function dateOf(days: number): string {
  const since = days + daysBefore1970;
  const cycle = Math.floor(since / cycleDays);
  const day = since - cycle * cycleDays;
  // One day more every 4 years, but every 100, and the cycle's last is one of 366.
  const year = Math.floor((day - Math.floor(day / 1460) + Math.floor(day / 36_524) - Math.floor(day / 146_096)) / 365);
  const dayOfYear = day - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const full = cycle * 400 + year + (month <= 2 ? 1 : 0);
  return `${full.toString().padStart(4, "0")}-${two(month)}-${two(dayOfMonth)}`;
}

function two(number: number): string {
  return number < 10 ? `0${number}` : `${number}`;
}
