/** Facts are read when they are first asked for, and once: a getter replaces itself by what it has read. */
export function keep<T>(facts: object, name: string, value: T): T {
  Object.defineProperty(facts, name, { value });
  return value;
}
