import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { TallystickError } from '@tallystick/core';
import { loadSqlite } from '../load-sqlite.ts';
import { FACT_RANK, type LeaseFact } from './facts.ts';

/** A fact in its place, and the lease that it is about. */
export interface SortedFact {
  readonly group: string;
  readonly fact: LeaseFact;
}

/**
 * Facts in any order, given back by lease, rank and token. They are sorted on disk, in a temporary database that has no
 * name and is gone with the process: memory stays the same for millions of them.
 */
export interface SortedFacts extends Disposable {
  add(group: string, fact: LeaseFact): void;
  /** To be called once, when all are added. */
  inOrder(): Generator<SortedFact, void>;
}

const CACHE_KIB = 32_768;

/** @throws {TallystickError} `state_unusable`, also from what it returns: there is no room for temporary files. */
export async function openSortedFacts(): Promise<SortedFacts> {
  const { DatabaseSync } = await loadSqlite();
  const database = told(() => {
    const opened = new DatabaseSync('');
    opened.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = FILE;
      CREATE TABLE facts (lease TEXT NOT NULL, rank INTEGER NOT NULL, jti TEXT NOT NULL, fact TEXT NOT NULL);
      BEGIN`);
    return opened;
  });
  const insert = told(() => database.prepare('INSERT INTO facts VALUES (?, ?, ?, ?)'));
  return {
    add(group, fact) {
      told(() => insert.run(group, FACT_RANK[fact.kind], jtiOf(fact), JSON.stringify(fact)));
    },
    *inOrder() {
      const rows = told(() => sorted(database).iterate());
      for (;;) {
        const next = told(() => rows.next());
        if (next.done === true) return;
        const { lease, fact } = next.value as { lease: string; fact: string };
        yield { group: lease, fact: JSON.parse(fact) as LeaseFact };
      }
    },
    [Symbol.dispose]: () => database.close(),
  };
}

function sorted(database: DatabaseSync): StatementSync {
  return database.prepare('SELECT lease, fact FROM facts ORDER BY lease, rank, jti');
}

function jtiOf(fact: LeaseFact): string {
  return fact.kind === 'receipt' ? fact.receipt.jti : '';
}

function told<T>(run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_SQLITE_ERROR') throw cause;
    throw new TallystickError('state_unusable', 'receipts and records cannot be sorted in temporary files', {
      remedy:
        'see that there is room for as much as the receipts and the log take, or name a larger folder by SQLITE_TMPDIR',
      cause,
    });
  }
}
