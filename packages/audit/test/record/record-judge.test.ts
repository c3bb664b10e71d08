import { describe, expect, it } from 'vitest';
import { createRecordJudge, SEMANTIC_RULES } from '../../src/index.ts';
import { LogWriter, ORIGIN } from './log-writer.ts';
import { begin, identity, plausibleLog, register, release, suspend } from './plausible-log.ts';

describe('the judge that a verifier shows records to', () => {
  it('has nothing to say of a log by the rules', () => {
    const judge = createRecordJudge(ORIGIN);
    for (const { index, bytes } of plausibleLog().leaves) judge.onRecord(index, bytes);
    expect(judge.findings()).toEqual([]);
    expect(judge.notes()).toEqual([]);
  });

  it('tells what stands there wrongly from what is not there, and notes from both', () => {
    const log = new LogWriter();
    begin(log);
    const close = identity('close');
    register(log, close);
    suspend(log, close, { effectiveAt: null, late: true });
    release(log, close.id);
    log.nowMs += 100_000;
    release(log, 'spiffe://acme.example/nobody');
    const judge = createRecordJudge(ORIGIN);
    for (const { index, bytes } of log.leaves) judge.onRecord(index, bytes);
    expect(judge.findings().map(({ verdict, rule, record }) => [verdict, rule, record])).toEqual([
      ['integrity', 'released_suspended', 4],
      ['completeness', 'heartbeat_gap', 5],
      ['integrity', 'identity_unregistered', 5],
    ]);
    expect(judge.notes().map(({ rule }) => rule)).toEqual(['late']);
  });

  it('keeps the first thousand findings of a log that is wrong everywhere', () => {
    const judge = createRecordJudge(ORIGIN);
    for (let i = 0; i < 1500; i++) judge.onRecord(i, Buffer.from('x'));
    expect(judge.findings()).toHaveLength(1000);
    expect(SEMANTIC_RULES.unreadable).toBe('integrity');
  });
});
