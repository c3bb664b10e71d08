import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, TallystickError, ulid, type Clock, type Json, type Random } from '@tallystick/core';
import { createDurableFile, createLineFile, type DurableFile } from './line-file.ts';
import type { Recorder } from './record.ts';

/** The inputs of {@link openRecorder}. */
export interface RecorderOptions {
  /** Folder of the records; made by the state folder's opening. */
  readonly folder: string;
  readonly trustDomain: string;
  /** ULID of this sidecar. */
  readonly sidecarId: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Told once when records can no longer be written. */
  readonly onFailure: (error: unknown) => void;
  /** Replaces the file, in tests. */
  readonly createFile?: (path: string, folder: string) => Promise<DurableFile>;
}

/** The longest record, in bytes. */
export const MAX_RECORD_BYTES = 60_000;

/**
 * Opens the record: one file of JSON lines (canonical, RFC 8785) for each start, `records-<first seq>-<boot>.jsonl`. An earlier
 * file is never written again; `seq` goes on from the last whole line of the newest one, since a line without its
 * end was never acknowledged.
 *
 * @throws {TallystickError} `state_unusable`
 */
export async function openRecorder(options: RecorderOptions): Promise<Recorder> {
  const { folder, clock, random } = options;
  const origin = `${options.trustDomain}/${options.sidecarId}/0/0`;
  const boot = ulid(clock, random);
  let seq: number;
  let file: DurableFile;
  try {
    seq = await nextSeq(folder);
    // The sequence is in the name, so that names sort as the records do, whatever the clock said.
    const name = `records-${String(seq).padStart(12, '0')}-${boot}.jsonl`;
    file = await (options.createFile ?? createDurableFile)(join(folder, name), folder);
  } catch (error) {
    if (TallystickError.is(error)) throw error;
    throw new TallystickError('state_unusable', `the record folder "${folder}" cannot be written`, { cause: error });
  }
  const lines = createLineFile(file, options.onFailure);
  return {
    origin,
    get pending() {
      return lines.pending;
    },
    isWritable: () => lines.failure === undefined,
    async append(input) {
      const ref = { id: ulid(clock, random), seq, origin };
      // In canonical order, here and in the bodies: then nothing has to be sorted for each record.
      const line = canonicalJson({
        actor: input.actor,
        body: input.body,
        boot,
        clock: null,
        corr: null,
        id: ref.id,
        lease: input.lease,
        origin,
        outcome: input.outcome,
        owner: input.owner,
        process: input.process,
        reason: input.reason,
        refs: input.refs ?? [],
        registry: input.registry,
        seq,
        time: new Date(clock.nowMs()).toISOString(),
        trace: input.trace,
        type: input.type,
        v: 1,
      } as unknown as Json);
      if (Buffer.byteLength(line) > MAX_RECORD_BYTES) {
        throw new TallystickError('record_unavailable', `a record of type ${input.type} is longer than 60,000 bytes`);
      }
      // Taken only now: a number that no record has would look like a record that was removed.
      seq++;
      await lines.append(line);
      return ref;
    },
    close: () => lines.close(),
  };
}

async function nextSeq(folder: string): Promise<number> {
  const names = (await readdir(folder)).filter((name) => /^records-\d{12}-[0-9A-Z]{26}\.jsonl$/.test(name)).sort();
  for (const name of names.reverse()) {
    const path = join(folder, name);
    const line = await lastLine(path);
    if (line === undefined) continue;
    const seq = seqOf(line);
    if (seq !== undefined) return seq + 1;
    throw new TallystickError('state_unusable', `the last line of "${path}" is not a record`, {
      remedy: 'move the folder away and keep it as evidence; the sidecar begins a new one',
    });
  }
  return 0;
}

/** Returns the last line that has its end, or undefined. Reads from the end on: a file may be of any size. */
async function lastLine(path: string): Promise<string | undefined> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    for (let length = 131_072; ; length *= 8) {
      const tail = Buffer.alloc(Math.min(size, length));
      await file.read(tail, 0, tail.length, size - tail.length);
      const end = tail.lastIndexOf(0x0a);
      const start = tail.subarray(0, Math.max(0, end)).lastIndexOf(0x0a) + 1;
      if (end >= 0 && (start > 0 || tail.length === size)) return tail.toString('utf8', start, end);
      if (tail.length === size) return undefined;
    }
  } finally {
    await file.close();
  }
}

function seqOf(line: string): number | undefined {
  try {
    const seq: unknown = (JSON.parse(line) as { seq?: unknown }).seq;
    return typeof seq === 'number' && Number.isSafeInteger(seq) && seq >= 0 ? seq : undefined;
  } catch {
    return undefined;
  }
}
