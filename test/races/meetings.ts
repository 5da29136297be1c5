/** Which operations meet: every two in every status, and for each status some groups of more. */
import { type Operation, operations, type Status, statuses } from "./model.ts";

export interface Meeting {
  readonly name: string;
  readonly first: Status;
  /** Each with the time after which it begins, in milliseconds. */
  readonly operations: readonly (readonly [Operation, number])[];
}

/** About as long as an operation takes: the second one falls anywhere into the first one. */
const spread = 15;

const groups = 12;

export function meetings(random: () => number): Meeting[] {
  const one = (): Operation => operations[Math.floor(random() * operations.length)] as Operation;
  const meeting = (first: Status, several: readonly Operation[]): Meeting => ({
    name: `${several.join(", ")} (${first})`,
    first,
    operations: several.map((operation) => [operation, random() * spread]),
  });
  return statuses.flatMap((first) => [
    ...operations.flatMap((operation, index) =>
      operations.slice(index).map((other) => meeting(first, random() < 0.5 ? [operation, other] : [other, operation])),
    ),
    ...Array.from({ length: groups }, () => meeting(first, [one(), one(), one(), one()])),
  ]);
}
