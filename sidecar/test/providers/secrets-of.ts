import { inspect } from 'node:util';
import type { Material } from '@tallystick/protocol';
import type { Shape } from '../../src/config/shape.ts';

const SECRET_MEMBERS: ReadonlySet<string> = new Set(['token', 'password', 'secretAccessKey', 'sessionToken']);

/** Returns what of a material only its holder may see. */
export function secretsOf(material: Material): readonly string[] {
  const own = Object.entries(material).filter(([name]) => SECRET_MEMBERS.has(name));
  const values = 'values' in material ? Object.values(material.values) : [];
  return [...own.map(([, value]) => value as string), ...values];
}

/** Returns all that a person could see of a value: hidden members, causes and stacks included. */
export function textOf(value: unknown): string {
  return inspect(value, { depth: Infinity, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity });
}

/** Reads a value of the configuration that is to have no mistake. */
export function readAll(shape: Shape<unknown>, value: unknown): unknown {
  return shape.read(value, [], ({ message, remedy }) => {
    throw new Error(`${message}; ${remedy}`);
  });
}
