import { printable } from '@tallystick/core';

/** Where a value stands in the configuration: keys and indexes from the top. */
export type Path = readonly (string | number)[];

/** A mistake in the configuration, before its line is known. */
export interface Fault {
  readonly path: Path;
  /** Whether the line of the key or that of its value explains it. */
  readonly place: 'key' | 'value';
  /** `schema`: the published JSON Schema refuses it too; `meaning`: it takes more than the schema can say. */
  readonly kind: 'schema' | 'meaning';
  /** What is wrong: lower case, no full stop. Never repeats a value, which may be a secret put in the wrong place. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** Takes the faults that reading finds. */
export type Report = (fault: Fault) => void;

/** A mistake in the configuration, as it is shown. */
export interface Mistake {
  /** 1-based; undefined where there is no file, or no place in it. */
  readonly line: number | undefined;
  /** 1-based, in UTF-16 code units. */
  readonly column: number | undefined;
  /** Such as `identities[0].owner`; empty for the file itself. */
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
}

const PLAIN_KEY = /^[A-Za-z_][\w-]*$/;

/** Returns a path as text: `identities[0].owner`. Odd keys are quoted, cut and made printable. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (PLAIN_KEY.test(step) && step.length <= 60) return text === '' ? step : `${text}.${step}`;
    return `${text}[${JSON.stringify(printable(step, 60))}]`;
  }, '');
}

/** Returns the name that a message calls a value by: its key in quotes, with the index in a list. */
export function nameOf(path: Path): string {
  const from = path.findLastIndex((step) => typeof step === 'string');
  if (from < 0) return 'the file';
  const indexes = path.slice(from + 1).map((step) => `[${step}]`);
  return `"${printable(String(path[from]), 60)}${indexes.join('')}"`;
}

/** Reports a mistake that it takes more than the JSON Schema to see. The message completes the value's name. */
export function amiss(report: Report, path: Path, message: string, remedy: string): void {
  report({ path, place: 'value', kind: 'meaning', message: `${nameOf(path)} ${message}`, remedy });
}
