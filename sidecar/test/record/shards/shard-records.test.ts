import { encodeRecord, type Beginning } from '@tallystick/audit';
import { expect, test } from 'vitest';
import { recordOf } from '../../../src/record/recorder.ts';
import {
  closingInputs,
  decodeCarried,
  encodeCarried,
  openingInputs,
  type CarriedOver,
} from '../../../src/record/shards/shard-records.ts';
import { identity } from '../../acme.ts';

const ulid = (n: number): string => `01KAMZ3CT0${String(n).padStart(16, '0')}`;
const ORIGIN = 'acme.example/sc-1/1/2';
const CARRIED: CarriedOver = {
  cause: 'period',
  period: { from: '2025-12-31T23:00:00.000Z', to: '2026-12-31T23:00:00.000Z' },
  zone: 'Europe/Berlin',
  identities: [identity('close'), identity('report')].map((object) => ({ object, suspended: object.id.endsWith('t') })),
  intents: Array.from({ length: 450 }, (_, i) => ({
    id: ulid(i),
    lease: `ls_${ulid(i)}`,
    origin: 'acme.example/sc-1/1/1',
    time: '2026-11-22T12:00:00.250Z',
  })),
  leases: Array.from({ length: 2001 }, (_, i) => `ls_${ulid(i)}`),
};
const BEGINNING: Beginning = {
  relation: 'shard',
  origin: ORIGIN,
  previous: {
    origin: 'acme.example/sc-1/1/1',
    size: 300,
    root: Buffer.alloc(32, 1),
    checkpoint: Buffer.from('acme.example/sc-1/1/1\n300\n'),
  },
  vkey: `${ORIGIN}+1a2b3c4d+AQ==`,
};
const FINGERPRINTS = { escrow: null, id: '0123456789abcdef', sealed: null };

test('a shard begins with as much as its first record says, in records that are short enough', () => {
  const inputs = openingInputs(BEGINNING, decodeCarried(encodeCarried(CARRIED)), FINGERPRINTS);
  const bodies = inputs.map(({ body }) => body as Partial<CarriedOver>);
  expect(inputs[0]).toMatchObject({
    type: 'log.shard_opened',
    body: { identities: 2, intents: 450, leases: 2001, previous: { size: 300 }, vkey: BEGINNING.vkey },
  });
  expect(inputs.slice(1, 3).map(({ type }) => type)).toEqual(['identity.listed', 'identity.listed']);
  expect(bodies.slice(3).flatMap(({ intents }) => intents ?? [])).toEqual(CARRIED.intents);
  expect(bodies.slice(3).flatMap(({ leases }) => leases ?? [])).toEqual(CARRIED.leases);
  const frame = { origin: ORIGIN, boot: ulid(1), id: ulid(2), clock: null, nowMs: 0 };
  for (const [seq, input] of inputs.entries()) encodeRecord(recordOf(input, { ...frame, seq }));
});

test('a shard ends with its period where that has ended, and always with the one that follows', () => {
  expect(closingInputs(CARRIED, ORIGIN)).toMatchObject([
    { type: 'log.period_closed', body: { period: CARRIED.period, zone: 'Europe/Berlin' } },
    { type: 'log.shard_closed', body: { cause: 'period', next: ORIGIN } },
  ]);
  expect(closingInputs({ ...CARRIED, cause: 'size' }, ORIGIN)).toMatchObject([
    { type: 'log.shard_closed', body: { cause: 'size', next: ORIGIN } },
  ]);
});
