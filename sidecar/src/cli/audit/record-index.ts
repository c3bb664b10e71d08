import { resolve, sep } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import {
  compileQuery,
  readLeaf,
  recordOf,
  subjectOf,
  TILE_WIDTH,
  verifyConsistency,
  proveConsistency,
  type Leaf,
  type RecordQuery,
} from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import { loadSqlite } from './load-sqlite.ts';
import type { Selection } from './log.ts';
import { bundleOf, edgeAt, hashesOf, signedLeaves, type SignedLog } from './signed-log.ts';

/** What is selected from an index. */
export interface IndexedSelection {
  /** The index: outside of the folder of the logs. */
  readonly file: string;
  /** The folder of all logs. */
  readonly dir: string;
  readonly logs: readonly SignedLog[];
  readonly query: RecordQuery;
  readonly limit: number;
}

/** By which a file says that it is an index of ours: the letters "tsix". What says anything else is left alone. */
const APPLICATION = 0x74736978;
/** Changes with the tables: an index of another one is made anew. */
const VERSION = 1;

const TABLES = `
  CREATE TABLE logs (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, number INTEGER NOT NULL);
  CREATE TABLE records (number INTEGER NOT NULL, seq INTEGER NOT NULL, at REAL NOT NULL, type TEXT NOT NULL,
    outcome TEXT NOT NULL, PRIMARY KEY (number, seq)) WITHOUT ROWID;
  CREATE TABLE terms (kind TEXT NOT NULL, value TEXT NOT NULL, number INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (kind, value, number, seq)) WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION};
  PRAGMA user_version = ${VERSION};
`;

/**
 * Returns what a query selects, the records found by an index and read from the log. The index is made, or goes on, where
 * the log has more than it; it is made anew where the log has not grown from what it has.
 *
 * @throws {TallystickError} `log_invalid`; `state_unusable`: the file is no index, or lies in the folder of the logs.
 */
export async function selectIndexed({ file, dir, logs, query, limit }: IndexedSelection): Promise<Selection> {
  const path = resolve(file);
  if (path.startsWith(dir + sep)) {
    throw new TallystickError('state_unusable', `"${path}" is in the folder of the logs`, {
      remedy: 'give --index a file outside of it: nothing but the sidecar writes there',
    });
  }
  try {
    using index = await openIndex(path);
    await bringUpTo(index, logs);
    return select(index, logs, query, limit);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_SQLITE_ERROR') throw cause;
    throw new TallystickError('state_unusable', `"${path}" cannot be used as an index`, {
      remedy: 'remove it, or name another file with --index; an index can be made again at any time',
      cause,
    });
  }
}

async function openIndex(path: string): Promise<DatabaseSync> {
  const sqlite = await loadSqlite();
  const index = new sqlite.DatabaseSync(path);
  if (!isOurs(index)) {
    throw new TallystickError('state_unusable', `"${path}" is a database of something else`, {
      remedy: 'name another file with --index',
    });
  }
  index.exec('PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;');
  if (pragma(index, 'user_version') !== VERSION) rebuild(index);
  return index;
}

/** True for a file that says so, and for one that has nothing in it. */
function isOurs(index: DatabaseSync): boolean {
  return pragma(index, 'application_id') === APPLICATION || tablesOf(index).length === 0;
}

function pragma(index: DatabaseSync, name: string): unknown {
  return index.prepare(`PRAGMA ${name}`).get()?.[name];
}

function tablesOf(index: DatabaseSync): string[] {
  const rows = index.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  return rows.map(({ name }) => String(name));
}

function rebuild(index: DatabaseSync): void {
  const drops = tablesOf(index).map((name) => `DROP TABLE "${name}";`);
  index.exec(`BEGIN; ${drops.join(' ')} ${TABLES} COMMIT;`);
}

async function bringUpTo(index: DatabaseSync, logs: readonly SignedLog[]): Promise<void> {
  const known = index
    .prepare('SELECT origin, size, root, number FROM logs ORDER BY number')
    .all() as unknown as Known[];
  const fits = await Promise.all(known.map((each) => hasGrownFrom(logs.at(each.number), each)));
  if (fits.includes(false)) {
    rebuild(index);
    known.length = 0;
  }
  for (const [number, log] of logs.entries()) {
    const size = known[number]?.size ?? 0;
    if (size < log.size) await add(index, log, number, size);
  }
}

interface Known {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly number: number;
}

async function hasGrownFrom(log: SignedLog | undefined, { origin, size, root }: Known): Promise<boolean> {
  if (!log || log.origin !== origin || log.size < size) return false;
  try {
    const proof = await proveConsistency(size, log.size, hashesOf(log));
    verifyConsistency({ size1: size, size2: log.size, root1: root, root2: log.root, proof });
    return true;
  } catch (error) {
    if (TallystickError.is(error)) return false;
    throw error;
  }
}

/** Adds the leaves of a log from an index on, all or none: they are verified when the last one is read. */
async function add(index: DatabaseSync, log: SignedLog, number: number, from: number): Promise<void> {
  const edge = await edgeAt(log, from);
  const insertRecord = index.prepare('INSERT INTO records VALUES (?, ?, ?, ?, ?)');
  const insertTerm = index.prepare('INSERT OR IGNORE INTO terms VALUES (?, ?, ?, ?)');
  index.exec('BEGIN');
  try {
    for (const leaf of signedLeaves(log, { edge })) {
      const record = recordOf(leaf);
      if (!record) continue;
      insertRecord.run(number, leaf.index, Date.parse(record.time), record.type, record.outcome);
      for (const [kind, values] of Object.entries(termsOf(leaf))) {
        for (const value of values) insertTerm.run(kind, value, number, leaf.index);
      }
    }
    const { origin, size, root } = log;
    index.prepare('INSERT OR REPLACE INTO logs VALUES (?, ?, ?, ?)').run(origin, size, root, number);
    index.exec('COMMIT');
  } catch (error) {
    index.exec('ROLLBACK');
    throw error;
  }
}

/** The members of a query that are looked up, and of which values a record is found by each. */
function termsOf(leaf: Leaf): Readonly<Record<string, readonly string[]>> {
  const record = recordOf(leaf)!;
  const { identities, leases, runs, processes, owners } = subjectOf(leaf, record);
  return { identity: identities, lease: leases, run: runs, process: processes, owner: owners };
}

const TERMS = ['lease', 'run', 'identity', 'process', 'owner'] as const;

/** Reads what the index finds, and judges each record by the query itself: an index may lack, but not add. */
function select(index: DatabaseSync, logs: readonly SignedLog[], query: RecordQuery, limit: number): Selection {
  const { from, where, values } = conditionOf(query);
  const { count } = index.prepare(`SELECT count(*) AS count ${from} ${where}`).get(...values) as { count: number };
  const places = index
    .prepare(`SELECT r.number, r.seq ${from} ${where} ORDER BY r.number DESC, r.seq DESC LIMIT ?`)
    .all(...values, limit) as unknown as { number: number; seq: number }[];
  const isSelected = compileQuery(query);
  const leaves = readPlaces(logs, places.toReversed()).filter((leaf) => isSelected(leaf) === null);
  return { leaves, count };
}

interface Condition {
  /** The first table goes by the name `r`. */
  readonly from: string;
  readonly where: string;
  readonly values: readonly (string | number)[];
}

/** The first term that is asked for leads: its records are next to each other, in their order. */
function conditionOf(query: RecordQuery): Condition {
  const from: string[] = [];
  const where: string[] = [];
  const values: (string | number)[] = [];
  const and = (condition: string, ...more: (string | number)[]): void => {
    where.push(condition);
    values.push(...more);
  };
  for (const kind of TERMS) {
    const value = query[kind];
    if (value === undefined) continue;
    const name = from.length === 0 ? 'r' : `t${from.length}`;
    from.push(from.length === 0 ? 'terms r' : `JOIN terms ${name} USING (number, seq)`);
    and(`${name}.kind = ? AND ${name}.value = ?`, kind, value);
  }
  const terms = where.length;
  const { outcome, type, from: since, to: until } = query;
  if (outcome !== undefined) and('outcome = ?', outcome);
  if (type?.endsWith('.*')) and('substr(type, 1, ?) = ?', type.length - 1, type.slice(0, -1));
  else if (type !== undefined) and('type = ?', type);
  if (since !== undefined) and('at >= ?', Date.parse(since));
  if (until !== undefined) and('at < ?', Date.parse(until));
  // Where nothing is asked of the record itself, it need not be looked up.
  if (terms === 0) from.push('records r');
  else if (where.length > terms) from.push('JOIN records USING (number, seq)');
  return {
    from: `FROM ${from.join(' ')}`,
    where: where.length > 0 ? `WHERE ${where.join(' AND ')}` : '',
    values,
  };
}

function readPlaces(logs: readonly SignedLog[], places: readonly { number: number; seq: number }[]): Leaf[] {
  let at = '';
  let bundle: Uint8Array[] = [];
  return places.map(({ number, seq }) => {
    const log = logs[number]!;
    const index = Math.floor(seq / TILE_WIDTH);
    if (at !== `${number}/${index}`) bundle = bundleOf(log, index);
    at = `${number}/${index}`;
    return readLeaf(log.origin, seq, bundle[seq % TILE_WIDTH]!);
  });
}
