import { createPrivateKey, type KeyObject } from 'node:crypto';
import { systemClock, systemTimers, type TallystickError } from '@tallystick/core';
import { createNodeDisk } from '../../src/journal/node-disk.ts';
import { inlineJournal } from '../../src/log/journal-opener.ts';
import { createNodeLogFiles } from '../../src/log/node-log-files.ts';
import type { LogWriter } from '../../src/log/log.ts';
import type { OpenLogOptions } from '../../src/log/open-log.ts';
import { kernelLock } from './kernel-lock.ts';

/** Small segments, so that a short log fills several and gives them away. */
export const SIZES = { unitBytes: 16_384, segmentBytes: 65_536 };

/** An Ed25519 key of 32 equal bytes. */
export function keyOf(byte: number): KeyObject {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, byte)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

/** What a cut carries over that says nothing. */
export const NOTHING: Uint8Array = new Uint8Array();

/** The record that a test appends at `seq`. */
export function recordAt(seq: number, of = 'record'): Buffer {
  return Buffer.from(JSON.stringify({ of, seq, pad: 'x'.repeat((seq * 37) % 400) }));
}

/** What a log on this machine's disk is opened with. Its first record names the relation and the head before; nothing is said of its end. */
export function optionsFor(folder: string, more: Partial<OpenLogOptions> = {}): OpenLogOptions {
  return {
    folder,
    trustDomain: 'acme.example',
    sidecarId: 'sc-1',
    openKey: async ({ shard }) => keyOf(shard),
    clock: systemClock,
    timers: systemTimers,
    lock: kernelLock,
    openFiles: createNodeLogFiles,
    openJournal: inlineJournal(createNodeDisk, SIZES),
    opening: ({ relation, previous }) => [
      () => Buffer.from(JSON.stringify({ relation, previous: previous?.size ?? null })),
    ],
    closing: () => [],
    onFailure: (error: TallystickError) => {
      throw error;
    },
    ...more,
  };
}

/** Appends records up to a size, in batches of a hundred. */
export async function fill(log: LogWriter, size: number, of?: string): Promise<void> {
  for (let left = size - log.head()!.size; left > 0; left -= 100) {
    await Promise.all(Array.from({ length: Math.min(100, left) }, () => log.append((seq) => recordAt(seq, of))));
  }
}
