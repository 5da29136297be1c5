/** Lists of processors and memory nodes, `0-3,7`: cpuset(7). Pure. */

/** The numbers of a list, each once; undefined when one is `limit` or more. The rules have looked at its form. */
export function numbersIn(list: string, limit: number): number[] | undefined {
  const numbers = new Set<number>();
  for (const item of list.split(",").filter((one) => one.trim() !== "")) {
    const [first = 0, last = first] = item.split("-").map(Number);
    if (last >= limit) return undefined;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return [...numbers];
}
