import { generateKeyPairSync } from 'node:crypto';
import {
  decodeEntryBundle,
  encodeEntryBundle,
  formatCheckpointBody,
  formatNote,
  logSigner,
  signCheckpoint,
  signNote,
} from '../../src/index.ts';
import { flip, recordAt, tampered, writeLog, type WrittenLog } from './log-on-disk.ts';

/** One way of tampering with a log of 70,000 records, and what the verifier says of it. */
export interface Tampering {
  readonly what: string;
  readonly change: (files: Map<string, Buffer>) => void;
  readonly found: readonly string[];
}

/** Records, tiles of three levels, and full ones as well as partial ones. */
export const SIZE = 70_000;
export const WHOLE: WrittenLog = writeLog(SIZE, { anchored: [3, 256, 40_000] });
const { head, privateKey } = WHOLE;
const signer = logSigner({ name: head.origin, privateKey });

/** Where the bytes of a record begin in its bundle. */
function offsetOf(bundle: Buffer, width: number, position: number): number {
  const before = decodeEntryBundle(bundle, width).slice(0, position);
  return before.reduce((at, entry) => at + 2 + entry.length, 2);
}

function swap(files: Map<string, Buffer>, path: string, width: number, a: number, b: number): void {
  const entries = decodeEntryBundle(files.get(path)!, width).map((entry) => Buffer.from(entry));
  [entries[a], entries[b]] = [entries[b]!, entries[a]!];
  files.set(path, encodeEntryBundle(entries));
}

/** A log of other records with the same key, whose files can be put in the place of ours. */
const other = writeLog(SIZE, { privateKey, recordAt: (i) => (i === 5 ? Buffer.from('{"forged":true}') : recordAt(i)) });
const tooLong = Buffer.from(JSON.stringify({ pad: 'x'.repeat(60_000) }));
const withLongRecord = writeLog(SIZE, { privateKey, recordAt: (i) => (i === 69_999 ? tooLong : recordAt(i)) });
const withEmptyRecord = writeLog(SIZE, { privateKey, recordAt: (i) => (i === 9 ? Buffer.alloc(0) : recordAt(i)) });

export const TAMPERINGS: readonly Tampering[] = [
  {
    what: 'a byte of a record in a full bundle',
    change: (files) => flip(files, 'tile/entries/100', offsetOf(files.get('tile/entries/100')!, 256, 40) + 3),
    found: ['record_changed tile/entries/100 record 25640'],
  },
  {
    what: 'a byte of a record in the last, partial bundle',
    change: (files) =>
      flip(files, 'tile/entries/273.p/112', offsetOf(files.get('tile/entries/273.p/112')!, 112, 111) + 3),
    found: ['record_changed tile/entries/273.p/112 record 69999'],
  },
  {
    what: 'the length of a record',
    change: (files) => flip(files, 'tile/entries/007', offsetOf(files.get('tile/entries/007')!, 256, 200) - 1, 2),
    found: ['bundle_malformed tile/entries/007 record 1992'],
  },
  {
    what: 'two records in each other’s places',
    change: (files) => swap(files, 'tile/entries/001', 256, 10, 11),
    found: ['record_changed tile/entries/001 record 266', 'record_changed tile/entries/001 record 267'],
  },
  {
    what: 'two records in each other’s places, with their hashes',
    change: (files) => {
      swap(files, 'tile/entries/001', 256, 10, 11);
      const row = files.get('tile/0/001')!;
      const [a, b] = [Buffer.from(row.subarray(320, 352)), Buffer.from(row.subarray(352, 384))];
      row.set(b, 320);
      row.set(a, 352);
    },
    found: ['tile_changed tile/0/001'],
  },
  {
    what: 'a bundle that is cut off',
    change: (files) => files.set('tile/entries/002', files.get('tile/entries/002')!.subarray(0, -1)),
    found: ['bundle_malformed tile/entries/002 record 767'],
  },
  {
    what: 'a bundle with a record less',
    change: (files) => {
      const bundle = files.get('tile/entries/002')!;
      files.set('tile/entries/002', bundle.subarray(0, offsetOf(bundle, 256, 255) - 2));
    },
    found: ['bundle_malformed tile/entries/002 record 767'],
  },
  {
    what: 'a bundle with a byte more',
    change: (files) => files.set('tile/entries/002', Buffer.concat([files.get('tile/entries/002')!, Buffer.of(0)])),
    found: ['bundle_malformed tile/entries/002'],
  },
  {
    what: 'a bundle that is missing',
    change: (files) => files.delete('tile/entries/003'),
    found: ['file_missing tile/entries/003 record 768'],
  },
  {
    what: 'the last bundle under another width',
    change: (files) => {
      files.set('tile/entries/273.p/113', files.get('tile/entries/273.p/112')!);
      files.delete('tile/entries/273.p/112');
    },
    found: ['file_missing tile/entries/273.p/112 record 69888'],
  },
  {
    what: 'a byte of a tile of level 0',
    change: (files) => flip(files, 'tile/0/100', 32 * 7 + 5),
    found: ['tile_changed tile/0/100'],
  },
  {
    what: 'a byte of the partial tile of level 0',
    change: (files) => flip(files, 'tile/0/273.p/112', 5),
    found: ['tile_changed tile/0/273.p/112'],
  },
  {
    what: 'a byte of the full tile of level 1',
    change: (files) => flip(files, 'tile/1/000', 8191),
    found: ['tile_changed tile/1/000'],
  },
  {
    what: 'a byte of the partial tile of level 1',
    change: (files) => flip(files, 'tile/1/001.p/17', 0),
    found: ['tile_changed tile/1/001.p/17'],
  },
  {
    what: 'a byte of the tile of level 2',
    change: (files) => flip(files, 'tile/2/000.p/1', 31),
    found: ['tile_changed tile/2/000.p/1'],
  },
  {
    what: 'a tile that is missing',
    change: (files) => files.delete('tile/0/100'),
    found: ['file_missing tile/0/100'],
  },
  {
    what: 'a tile of level 1 that is missing',
    change: (files) => files.delete('tile/1/001.p/17'),
    found: ['file_missing tile/1/001.p/17'],
  },
  {
    what: 'a partial tile under another width',
    change: (files) => {
      files.set('tile/1/001.p/18', files.get('tile/1/001.p/17')!);
      files.delete('tile/1/001.p/17');
    },
    found: ['file_missing tile/1/001.p/17'],
  },
  {
    what: 'a tile that is too short',
    change: (files) => files.set('tile/0/100', files.get('tile/0/100')!.subarray(0, -32)),
    found: ['tile_changed tile/0/100'],
  },
  {
    what: 'a tile that is too long',
    change: (files) => files.set('tile/2/000.p/1', Buffer.concat([files.get('tile/2/000.p/1')!, Buffer.alloc(32)])),
    found: ['tile_changed tile/2/000.p/1'],
  },
  {
    what: 'a record that was rewritten with all hashes above it',
    change: (files) => {
      for (const [path, bytes] of other.files) if (path.startsWith('tile/')) files.set(path, bytes);
    },
    found: ['root_mismatch checkpoint'],
  },
  {
    what: 'a rewritten log whose key has signed again',
    change: (files) => {
      for (const [path, bytes] of other.files) files.set(path, bytes);
    },
    // The first head that was anchored has only three records, none of which was rewritten.
    found: ['head_inconsistent heads head 1 consistency', 'head_inconsistent heads head 2 consistency'],
  },
  {
    what: 'a record over the limit, signed by the log',
    change: (files) => {
      for (const [path, bytes] of withLongRecord.files) files.set(path, bytes);
    },
    found: ['record_size tile/entries/273.p/112 record 69999'],
  },
  {
    what: 'an empty record, signed by the log',
    change: (files) => {
      for (const [path, bytes] of withEmptyRecord.files) files.set(path, bytes);
      files.delete('heads');
    },
    found: ['record_size tile/entries/000 record 9'],
  },
  {
    what: 'no checkpoint',
    change: (files) => files.delete('checkpoint'),
    found: ['checkpoint_missing checkpoint'],
  },
  {
    what: 'a checkpoint that another key has signed',
    change: (files) => {
      const key = { name: head.origin, privateKey: generateKeyPairSync('ed25519').privateKey };
      files.set('checkpoint', signCheckpoint(head, [logSigner(key)]));
      files.delete('vkey');
    },
    found: ['checkpoint_refused checkpoint unsigned'],
  },
  {
    what: 'a byte of the root in the checkpoint',
    change: (files) => flip(files, 'checkpoint', files.get('checkpoint')!.indexOf('\n70000\n') + 10),
    found: ['checkpoint_refused checkpoint signature'],
  },
  {
    what: 'a byte of the signature',
    change: (files) => {
      const bytes = files.get('checkpoint')!;
      bytes.write(
        bytes.toString('latin1', bytes.length - 20, bytes.length - 19) === 'A' ? 'B' : 'A',
        bytes.length - 20,
      );
    },
    found: ['checkpoint_refused checkpoint signature'],
  },
  {
    what: 'a smaller size with the same root',
    change: (files) => files.set('checkpoint', signCheckpoint({ ...head, size: SIZE - 1 }, [signer])),
    found: ['file_missing tile/0/273.p/111', 'file_missing tile/entries/273.p/111 record 69888'],
  },
  {
    what: 'a bigger size with the same root',
    change: (files) => files.set('checkpoint', signCheckpoint({ ...head, size: SIZE + 1 }, [signer])),
    found: ['file_missing tile/0/273.p/113', 'file_missing tile/entries/273.p/113 record 69888'],
  },
  {
    what: 'a size that was written over',
    change: (files) =>
      files.set('checkpoint', Buffer.from(files.get('checkpoint')!.toString().replace('\n70000\n', '\n70001\n'))),
    found: ['checkpoint_refused checkpoint signature'],
  },
  {
    what: 'an older state of the log, while a later head is among the heads',
    change: (files) => {
      const older = writeLog(256, { privateKey });
      const { heads } = Object.fromEntries(files);
      files.clear();
      for (const [path, bytes] of older.files) files.set(path, bytes);
      files.set('heads', heads!);
    },
    found: ['rolled_back heads head 2'],
  },
  {
    what: 'the checkpoint of another origin, by the same key',
    change: (files) => {
      const name = 'acme.example/sidecar-2/1/1';
      files.set('checkpoint', signCheckpoint({ ...head, origin: name }, [logSigner({ name, privateKey })]));
    },
    found: ['checkpoint_refused checkpoint origin'],
  },
  {
    what: 'the checkpoint of another origin, under the name of the log’s key',
    change: (files) => {
      const body = formatCheckpointBody({ ...head, origin: 'acme.example/sidecar-2/1/1' });
      files.set('checkpoint', formatNote(signNote(body, [signer])));
    },
    found: ['checkpoint_refused checkpoint origin'],
  },
  {
    what: 'extension lines that the log has signed',
    change: (files) => files.set('checkpoint', formatNote(signNote(`${formatCheckpointBody(head)}time 7\n`, [signer]))),
    found: ['checkpoint_refused checkpoint extension'],
  },
  {
    what: 'a byte of a head that was anchored',
    change: (files) => flip(files, 'heads', files.get('heads')!.indexOf('\n256\n') + 10),
    found: ['head_refused heads head 1 signature'],
  },
  {
    what: 'heads that are cut off',
    change: (files) => files.set('heads', files.get('heads')!.subarray(0, -1)),
    found: ['heads_malformed heads'],
  },
];

/** Returns the log after it was tampered with. */
export const tamper = ({ change }: Tampering): WrittenLog => tampered(WHOLE, change);
