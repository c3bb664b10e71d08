import { format, inspect } from 'node:util';
import { serialize } from 'node:v8';

/** Prints a value in every way that logs, error trackers and people at a debugger print one. */
export function show(what: string, value: unknown): void {
  const ways: (() => unknown)[] = [
    () => inspect(value, { showHidden: true, depth: 10, getters: true, maxArrayLength: null, maxStringLength: null }),
    () => JSON.stringify(value),
    () => String(value),
    () => format('%o %O %s %j', value, value, value, value),
    () => serialize(value).toString('latin1'),
    () => JSON.stringify(structuredClone(value)),
    ...(typeof value === 'object' && value !== null ? [() => inspect({ ...value }, { depth: 10 })] : []),
    ...(value instanceof Error
      ? [() => value.stack, () => JSON.stringify(value, Object.getOwnPropertyNames(value))]
      : []),
  ];
  for (const way of ways) {
    let text: unknown;
    try {
      text = way();
    } catch {
      // What cannot be printed in this way shows nothing in it.
      continue;
    }
    process.stdout.write(`${what}: ${String(text)}\n`);
  }
  if (value instanceof Error && value.cause !== undefined) show(`${what}, its cause`, value.cause);
}
