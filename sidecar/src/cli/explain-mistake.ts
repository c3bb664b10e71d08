import type { Mistake } from '../config/fault.ts';

/** Returns a mistake or warning as compilers print theirs, so that editors and terminals lead to the line. */
export function explainMistake(file: string, kind: 'error' | 'warning', mistake: Mistake): string {
  const { line, column, message, remedy } = mistake;
  const place = line === undefined ? file : `${file}:${line}:${column}`;
  return `${place}: ${kind}: ${message}\n    ${remedy}\n`;
}
