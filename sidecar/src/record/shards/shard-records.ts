import type { Beginning, PreviousHead, RecordBodies } from '@tallystick/audit';
import { OF_THE_LOG } from '../of-the-log.ts';
import type { RecordInput } from '../record.ts';
import type { CarriedIntent, ListedIdentity } from './shard-state.ts';

/** What one shard leaves to the next, and why it ends. It is durable before the shard's last records are. */
export interface CarriedOver {
  readonly cause: 'period' | 'size';
  /** The year of the books that the shard was in, and the zone in which it was cut. */
  readonly period: RecordBodies['log.period_closed']['period'];
  readonly zone: string;
  readonly identities: readonly ListedIdentity[];
  readonly intents: readonly CarriedIntent[];
  /** Ids of the leases that the sidecar holds. */
  readonly leases: readonly string[];
}

/** As many as a record may list. */
const INTENTS_PER_RECORD = 200;
const LEASES_PER_RECORD = 1000;

export function encodeCarried(carried: CarriedOver): Uint8Array {
  return Buffer.from(JSON.stringify(carried));
}

/** Returns what {@link encodeCarried} was given: nobody else writes it. */
export function decodeCarried(bytes: Uint8Array): CarriedOver {
  return JSON.parse(Buffer.from(bytes).toString()) as CarriedOver;
}

/** Returns the last records of a shard. */
export function closingInputs({ cause, period, zone }: CarriedOver, next: string): RecordInput[] {
  const closed: RecordInput<'log.shard_closed'> = { ...OF_THE_LOG, type: 'log.shard_closed', body: { cause, next } };
  if (cause !== 'period') return [closed];
  return [{ ...OF_THE_LOG, type: 'log.period_closed', body: { period, zone } }, closed];
}

/** Returns the first records of a shard that continues another: which one, then all that it takes over. */
export function openingInputs(
  { previous, vkey }: Beginning,
  carried: CarriedOver,
  fingerprints: FingerprintsMember,
): RecordInput[] {
  const { cause, identities, intents, leases } = carried;
  return [
    {
      ...OF_THE_LOG,
      type: 'log.shard_opened',
      body: {
        cause,
        fingerprints,
        identities: identities.length,
        intents: intents.length,
        leases: leases.length,
        previous: headMember(previous!),
        vkey,
      },
    },
    ...identities.map(({ object, suspended }): RecordInput<'identity.listed'> => ({
      ...OF_THE_LOG,
      type: 'identity.listed',
      owner: object.owner,
      body: { identity: object.id, object, suspended },
    })),
    ...partsOf(intents, INTENTS_PER_RECORD).map((part) => carriedInput({ intents: part, leases: [] })),
    ...partsOf(leases, LEASES_PER_RECORD).map((part) => carriedInput({ intents: [], leases: part })),
  ];
}

/** Which key makes the fingerprints, as the first record of a shard has it. */
export type FingerprintsMember = RecordBodies['log.genesis']['fingerprints'];

/** Returns the last head of the log before, as a first record has it. */
export function headMember({
  checkpoint,
  origin,
  root,
  size,
}: PreviousHead): RecordBodies['log.shard_opened']['previous'] {
  return {
    checkpoint: Buffer.from(checkpoint).toString(),
    origin,
    root: Buffer.from(root).toString('base64'),
    size,
  };
}

function carriedInput(body: Pick<CarriedOver, 'intents' | 'leases'>): RecordInput<'log.carried'> {
  return { ...OF_THE_LOG, type: 'log.carried', body };
}

function partsOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
