import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  formatTlogProof,
  judgeCheckpoint,
  NO_QUORUM,
  parseHeads,
  proveInclusion,
  recordOf,
  verifyInclusion,
  type TlogPolicy,
} from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import { jsonText } from '../ask-sidecar.ts';
import { defineCommand, EXIT, JSON_OPTION, UsageError } from '../command.ts';
import { findRecord, type FoundRecord } from './find-record.ts';
import { DIR_OPTIONS, logsFolderOf, TRUST_OPTIONS, trustOf } from './log-options.ts';
import { unreadable } from './read-named.ts';
import { READ_OPTIONS, recordRead } from './recorded-read.ts';
import { hashesOf, openSignedLogs, toldAsChanged, type SignedLog } from './signed-log.ts';

const PROOF = '.tlog-proof';

/** `tallystick audit prove`: writes the proof that a record is in the log, and the record, for who has neither. */
export const prove = defineCommand({
  name: 'audit prove',
  summary: 'write the proof that a record is in the log, and the record beside it',
  operands: 'ID|INDEX',
  options: {
    ...DIR_OPTIONS,
    ...TRUST_OPTIONS,
    ...READ_OPTIONS,
    out: { type: 'string', value: 'FILE', doc: `where to; else ID${PROOF} here. The record goes beside it, as .json` },
    ...JSON_OPTION,
  },
  async run(invocation) {
    const { options, positionals, stdout, stderr } = invocation;
    const [name, ...more] = positionals;
    if (name === undefined || more.length > 0) throw new UsageError('name one record: tallystick audit prove ID');
    const dir = await logsFolderOf(invocation);
    const trust = trustOf(options, dir);
    const logs = openSignedLogs(dir, trust);
    const found = findRecord(logs, name);
    const { log, leaf } = found;
    const { proof, size, witnessed } = await proofOf(found, trust.policy);
    const base = recordOf(leaf)?.id ?? `${log.path.replace('/', '-')}-${leaf.index}`;
    const file = resolve(options.out ?? `${base}${PROOF}`);
    const record = `${file.endsWith(PROOF) ? file.slice(0, -PROOF.length) : file}.json`;
    const told = { command: 'audit prove', query: {}, returned: 1, source: 'leaves' } as const;
    await recordRead(invocation, logs, { ...told, named: [leaf] });
    write(file, proof);
    write(record, leaf.bytes);
    const facts = { proof: file, record, origin: log.origin, index: leaf.index, size, witnessed, key: trust.source };
    if (trust.source === 'folder') {
      stderr.write(`tallystick: the key is that of the folder itself\n  give your readers the one that security has\n`);
    }
    stdout.write(
      options.json
        ? jsonText(facts)
        : `${file}\n${record}\n  record ${leaf.index} of ${size} in ${log.origin}${witnessed ? ', under a witnessed head' : ''}\n`,
    );
    return EXIT.ok;
  },
});

interface MadeProof {
  readonly proof: Buffer;
  /** Of the tree that the record is proven to be in. */
  readonly size: number;
  /** Whether the head of the proof has the quorum that the policy asks for. */
  readonly witnessed: boolean;
}

/** Returns the proof of a record, verified, under the newest head that the policy accepts. */
async function proofOf({ log, leaf }: FoundRecord, policy: TlogPolicy): Promise<MadeProof> {
  const { checkpoint, size, root, witnessed } = newestHead(log, leaf.index, policy);
  const hashes = await toldAsChanged(log, async () => {
    const proof = await proveInclusion(leaf.index, size, hashesOf(log));
    verifyInclusion({ index: leaf.index, size, root, leafHash: leaf.hash, proof });
    return proof;
  });
  return { proof: formatTlogProof({ index: leaf.index, hashes, checkpoint }), size, witnessed };
}

/** The head of the log; one that was cosigned and has the record is better, where the policy asks for witnesses. */
function newestHead(
  log: SignedLog,
  index: number,
  policy: TlogPolicy,
): Omit<SignedLog, 'path' | 'origin' | 'readFile'> & {
  readonly witnessed: boolean;
} {
  if (policy.quorum === NO_QUORUM) return { ...log, witnessed: false };
  const kept = log.readFile('heads');
  for (const checkpoint of [log.checkpoint, ...(kept ? parseHeads(kept).toReversed() : [])]) {
    try {
      const { origin, size, root } = judgeCheckpoint(checkpoint, policy, 'refuse');
      if (origin === log.origin && size > index && size <= log.size) return { checkpoint, size, root, witnessed: true };
    } catch (error) {
      if (!TallystickError.is(error)) throw error;
    }
  }
  return { ...log, witnessed: false };
}

function write(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unreadable(path, error);
    throw new TallystickError('state_unusable', `"${path}" is there already`, {
      remedy: 'name another file with --out',
    });
  }
}
