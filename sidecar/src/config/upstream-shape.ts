import { didYouMean } from '@tallystick/core';
import type { ProviderKind } from '../providers/provider.ts';
import { PROVIDER_KINDS } from '../providers/kinds.ts';
import { nameOf, type Path, type Report } from './fault.ts';
import { isMapping, notA, wrong, type Shape } from './shape.ts';
import { NAME } from './texts.ts';

/** One value of `providers`: its kind, and what that reads of it. */
export interface ProviderValue {
  readonly kind: ProviderKind;
  readonly settings: unknown;
}

/** The `providers` mapping. `issuer` is built in, and no name for another. */
export const PROVIDERS: Shape<ReadonlyMap<string, ProviderValue>> = {
  schema: {
    type: 'object',
    propertyNames: { pattern: NAME.pattern.source, not: { const: 'issuer' } },
    additionalProperties: {
      type: 'object',
      required: ['type'],
      properties: {
        type: {
          description: 'The type of the upstream: each has a page of its own.',
          enum: PROVIDER_KINDS.map(({ type }) => type),
        },
      },
      allOf: PROVIDER_KINDS.map(({ type, settings }) => ({
        if: { properties: { type: { const: type } } },
        // eslint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
        then: settings.schema,
      })),
    },
  },
  read(value, path, report) {
    if (!isMapping(value)) return wrong(report, path, notA(value, 'a mapping'), 'write a mapping, or remove it');
    // One with a mistake is there all the same, so that no other follows from it.
    const entries = Object.entries(value).map(([name, written]) => [
      name,
      readProvider(name, written, [...path, name], report),
    ]);
    return new Map(entries as never);
  },
};

function readProvider(name: string, written: unknown, at: Path, report: Report): ProviderValue | undefined {
  const refuseKey = (message: string, remedy: string): void =>
    report({ path: at, place: 'key', kind: 'schema', message: `${nameOf(at)} ${message}`, remedy });
  if (name === 'issuer') {
    refuseKey('is built in and cannot be configured here', 'remove it; "issuer" at the top has its settings');
    return undefined;
  }
  if (!NAME.pattern.test(name)) refuseKey(`is not ${NAME.is}`, `write ${NAME.write}`);
  if (!isMapping(written)) return wrong(report, at, notA(written, 'a mapping'), 'write a mapping with "type"');
  const kind = PROVIDER_KINDS.find(({ type }) => type === written.type);
  if (!kind) {
    reportType(written.type, at, report);
    return undefined;
  }
  return { kind, settings: kind.settings.read(written, at, report) };
}

function reportType(type: unknown, at: Path, report: Report): void {
  const types = PROVIDER_KINDS.map((kind) => kind.type);
  if (type === undefined) return wrong(report, at, 'lacks "type"', `add it: one of ${types.join(', ')}`);
  const meant = typeof type === 'string' ? didYouMean(type, types) : undefined;
  wrong(
    report,
    [...at, 'type'],
    'names a type of upstream that is not in this version',
    meant === undefined ? `use one of ${types.join(', ')}` : `did you mean "${meant}"?`,
  );
}
