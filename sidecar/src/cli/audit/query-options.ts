import type { RecordQuery } from '@tallystick/audit';
import { UsageError, type Invocation, type OptionShapes } from '../command.ts';
import { parseInstant, zoneOf } from './instant.ts';

/** Which records are meant. All that is given must hold. */
export const QUERY_OPTIONS = {
  identity: { type: 'string', value: 'SPIFFE_ID', doc: 'who did it, or whom it concerns' },
  owner: { type: 'string', value: 'ID', doc: 'who answered for the identity then' },
  process: { type: 'string', value: 'ID', doc: 'a business process, registered or claimed' },
  run: { type: 'string', value: 'ID', doc: 'a run of a process, as it was claimed' },
  lease: { type: 'string', value: 'ID', doc: 'a lease: what was released, and what became of it' },
  outcome: { type: 'string', value: 'WORD', doc: 'success, denied, failed or unknown' },
  type: { type: 'string', value: 'TYPE', doc: 'a type of record, or a family as "credential.*"' },
  since: { type: 'string', value: 'TIME', doc: 'from this instant on, with its zone: 2026-11-22T08:00:00Z' },
  until: { type: 'string', value: 'TIME', doc: 'before this instant, with its zone' },
} as const satisfies OptionShapes;

type Given = Invocation<typeof QUERY_OPTIONS>['options'];

/** Returns the query that the options say. @throws {UsageError} */
export function queryOf({ since, until, ...filters }: Partial<Given>): RecordQuery {
  const { identity, owner, process, run, lease, outcome, type } = filters;
  const from = since === undefined ? undefined : new Date(parseInstant('--since', since)).toISOString();
  const to = until === undefined ? undefined : new Date(parseInstant('--until', until)).toISOString();
  if (from !== undefined && to !== undefined && Date.parse(from) >= Date.parse(to)) {
    throw new UsageError('--until is not after --since: the period is empty');
  }
  const query = { identity, owner, process, run, lease, outcome, type, from, to };
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
}

/** Returns the zone that the period was meant in. */
export function zoneOfPeriod({ since, until }: Given): string {
  return zoneOf(since ?? until ?? '');
}
