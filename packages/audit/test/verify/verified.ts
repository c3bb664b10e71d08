import { policyOfVkeys, verifyLog, type LogReport, type VerifyLogOptions } from '../../src/index.ts';
import type { WrittenLog } from './log-on-disk.ts';

/** The time at which the tests verify, in milliseconds since the epoch. */
export const NOW = Date.UTC(2026, 10, 22);

/** Verifies a log in memory with its own key. */
export function verified(log: WrittenLog, options: Partial<VerifyLogOptions> = {}): Promise<LogReport> {
  return verifyLog({
    readFile: (path) => log.files.get(path),
    policy: policyOfVkeys([log.vkey]),
    level: 'full',
    nowMs: NOW,
    ...options,
  });
}

/** Returns the findings of both verdicts, each as its code and what it is about. */
export function found({ integrity, completeness }: LogReport): string[] {
  return [...integrity.findings, ...completeness.findings]
    .filter(({ code }) => code !== 'rollback_undetectable' && code !== 'not_derived')
    .map(({ code, file, record, head, fault, rule }) =>
      [code, file, record !== undefined && `record ${record}`, head !== undefined && `head ${head}`, fault, rule]
        .filter(Boolean)
        .join(' '),
    );
}
