import { generateKeyPairSync } from 'node:crypto';
import {
  decodeEntryBundle,
  encodeEntryBundle,
  formatCheckpointBody,
  formatHead,
  formatNote,
  logSigner,
  signCheckpoint,
  signNote,
} from '../../src/index.ts';
import { flip, recordAt, writeLog, type WrittenLog } from './log-on-disk.ts';

/** One way of tampering with a log, and what the verifier says of it. */
export interface Tampering {
  readonly what: string;
  readonly change: (files: Map<string, Buffer>) => void;
  readonly found: readonly string[];
}

/** A log that can be tampered with, and how. */
export interface TamperedLog {
  readonly whole: WrittenLog;
  readonly tamperings: readonly Tampering[];
}

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

/**
 * Returns a log of so many records, at least 769, and each kind of tampering with it. From 65,536 records on it has a full
 * tile of level 1, and one of level 2.
 */
export function tamperedLog(size: number): TamperedLog {
  const whole = writeLog(size, { anchored: [3, 256, size - 200] });
  const { head, privateKey } = whole;
  const signer = logSigner({ name: head.origin, privateKey });
  const writtenWith = (at: number, record: Buffer): WrittenLog =>
    writeLog(size, { privateKey, recordAt: (i) => (i === at ? record : recordAt(i)) });
  const other = writtenWith(5, Buffer.from('{"forged":true}'));
  const withLongRecord = writtenWith(size - 1, Buffer.from(JSON.stringify({ pad: 'x'.repeat(60_000) })));
  const withEmptyRecord = writtenWith(9, Buffer.alloc(0));
  const full = Math.floor(size / 256);
  const width = size % 256;
  const name = String(full).padStart(3, '0');
  const lastBundle = `tile/entries/${name}.p/${width}`;
  const lastTile = `tile/0/${name}.p/${width}`;
  const upper = `tile/1/${String(Math.floor(full / 256)).padStart(3, '0')}.p/`;
  const lastUpper = `${upper}${full % 256}`;
  /** The tiles above the first records, from the top down. */
  const aboveFirst = size < 65_536 ? [lastUpper, 'tile/0/000'] : ['tile/2/000.p/1', 'tile/1/000', 'tile/0/000'];
  const tamperings: Tampering[] = [
    {
      what: 'a byte of a record in a full bundle',
      change: (files) => flip(files, 'tile/entries/002', offsetOf(files.get('tile/entries/002')!, 256, 40) + 3),
      found: ['record_changed tile/entries/002 record 552'],
    },
    {
      what: 'a byte of a record in the last, partial bundle',
      change: (files) => flip(files, lastBundle, offsetOf(files.get(lastBundle)!, width, width - 1) + 3),
      found: [`record_changed ${lastBundle} record ${size - 1}`],
    },
    {
      what: 'the length of a record',
      change: (files) => flip(files, 'tile/entries/001', offsetOf(files.get('tile/entries/001')!, 256, 200) - 1, 2),
      found: ['bundle_malformed tile/entries/001 record 456'],
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
      change: (files) => files.delete('tile/entries/002'),
      found: ['file_missing tile/entries/002 record 512'],
    },
    {
      what: 'the last bundle under another width',
      change: (files) => {
        files.set(`tile/entries/${name}.p/${width + 1}`, files.get(lastBundle)!);
        files.delete(lastBundle);
      },
      found: [`file_missing ${lastBundle} record ${full * 256}`],
    },
    {
      what: 'a byte of a tile of level 0',
      change: (files) => flip(files, 'tile/0/002', 32 * 7 + 5),
      found: ['tile_changed tile/0/002'],
    },
    {
      what: 'a byte of the partial tile of level 0',
      change: (files) => flip(files, lastTile, 5),
      found: [`tile_changed ${lastTile}`],
    },
    {
      what: 'a byte of the partial tile of level 1',
      change: (files) => flip(files, lastUpper, 0),
      found: [`tile_changed ${lastUpper}`],
    },
    {
      what: 'a tile that is missing',
      change: (files) => files.delete('tile/0/002'),
      found: ['file_missing tile/0/002'],
    },
    {
      what: 'a tile of level 1 that is missing',
      change: (files) => files.delete(lastUpper),
      found: [`file_missing ${lastUpper}`],
    },
    {
      what: 'a partial tile under another width',
      change: (files) => {
        files.set(`${upper}${(full % 256) + 1}`, files.get(lastUpper)!);
        files.delete(lastUpper);
      },
      found: [`file_missing ${lastUpper}`],
    },
    {
      what: 'a tile that is too short',
      change: (files) => files.set('tile/0/002', files.get('tile/0/002')!.subarray(0, -32)),
      found: ['tile_changed tile/0/002'],
    },
    {
      what: 'a tile that is too long',
      change: (files) => files.set('tile/0/001', Buffer.concat([files.get('tile/0/001')!, Buffer.alloc(32)])),
      found: ['tile_changed tile/0/001'],
    },
    {
      what: 'a record that was rewritten with all hashes above it',
      change: (files) => {
        for (const [path, bytes] of other.files) if (path.startsWith('tile/')) files.set(path, bytes);
        files.delete('heads');
      },
      found: ['root_mismatch checkpoint'],
    },
    {
      what: 'the tiles of all levels above a record, as if it were another',
      change: (files) => {
        for (const path of aboveFirst) files.set(path, other.files.get(path)!);
      },
      found: aboveFirst.map((path) => `tile_changed ${path}`),
    },
    {
      what: 'a tile of level 0, and what stands for it above, to something else',
      change: (files) => aboveFirst.slice(-2).forEach((path) => flip(files, path, 5)),
      found: aboveFirst.slice(-2).map((path) => `tile_changed ${path}`),
    },
    {
      what: 'a record, and its hash of level 0 to that of neither',
      change: (files) => {
        flip(files, 'tile/entries/000', 5);
        flip(files, 'tile/0/000', 5);
      },
      found: ['record_changed tile/entries/000 record 0', 'tile_changed tile/0/000'],
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
      found: [`record_size ${lastBundle} record ${size - 1}`],
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
      change: (files) => flip(files, 'checkpoint', files.get('checkpoint')!.indexOf(`\n${size}\n`) + 10),
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
      change: (files) => files.set('checkpoint', signCheckpoint({ ...head, size: size - 1 }, [signer])),
      found: [
        `file_missing tile/0/${name}.p/${width - 1}`,
        `file_missing tile/entries/${name}.p/${width - 1} record ${full * 256}`,
      ],
    },
    {
      what: 'a bigger size with the same root',
      change: (files) => files.set('checkpoint', signCheckpoint({ ...head, size: size + 1 }, [signer])),
      found: [
        `file_missing tile/0/${name}.p/${width + 1}`,
        `file_missing tile/entries/${name}.p/${width + 1} record ${full * 256}`,
      ],
    },
    {
      what: 'a size that was written over',
      change: (files) =>
        files.set(
          'checkpoint',
          Buffer.from(
            files
              .get('checkpoint')!
              .toString()
              .replace(`\n${size}\n`, `\n${size + 1}\n`),
          ),
        ),
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
      change: (files) =>
        files.set('checkpoint', formatNote(signNote(`${formatCheckpointBody(head)}time 7\n`, [signer]))),
      found: ['checkpoint_refused checkpoint extension'],
    },
    {
      what: 'a byte of a head that was anchored',
      change: (files) => flip(files, 'heads', files.get('heads')!.indexOf('\n256\n') + 10),
      found: ['head_refused heads head 1 signature'],
    },
    {
      what: 'heads that end with the beginning of one',
      change: (files) => files.set('heads', Buffer.concat([files.get('heads')!, Buffer.from(`${head.origin}\n`)])),
      found: ['heads_malformed heads'],
    },
    {
      what: 'a head of no records that has a root',
      change: (files) => {
        const empty = formatHead(signCheckpoint({ ...head, size: 0 }, [signer]));
        files.set('heads', Buffer.concat([files.get('heads')!, empty]));
      },
      found: ['head_inconsistent heads head 3 consistency'],
    },
    {
      what: 'a signature of somebody else with a control character',
      change: (files) =>
        files.set('checkpoint', Buffer.concat([files.get('checkpoint')!, Buffer.from('— some\u0001one AAAAAAAA\n')])),
      found: ['checkpoint_refused checkpoint note'],
    },
    {
      what: 'heads that are cut off',
      change: (files) => files.set('heads', files.get('heads')!.subarray(0, -1)),
      found: ['heads_malformed heads'],
    },
  ];
  if (size >= 65_536) {
    tamperings.push(
      {
        what: 'a byte of the full tile of level 1',
        change: (files) => flip(files, 'tile/1/000', 8191),
        found: ['tile_changed tile/1/000'],
      },
      {
        what: 'a byte of the tile of level 2',
        change: (files) => flip(files, 'tile/2/000.p/1', 31),
        found: ['tile_changed tile/2/000.p/1'],
      },
    );
  }
  return { whole, tamperings };
}
