import type { LogHeads } from '../record/heads/log-heads.ts';
import type { Metrics } from './metrics.ts';

/** Returns `heads`, with a count of those that workloads show again. */
export function observedHeads(heads: LogHeads, metrics: Metrics): LogHeads {
  const counter = 'tallystick_log_heads_echoed_total';
  metrics.describe(counter, 'counter', 'Heads of the log that workloads have shown again, by what they are.');
  metrics.gauge('tallystick_record_set_back', '1 once a workload has proven that the log was set back.', () =>
    Number(heads.isContradicted),
  );
  return {
    newest: () => heads.newest(),
    get isContradicted() {
      return heads.isContradicted;
    },
    async judge(text) {
      try {
        const verdict = await heads.judge(text);
        metrics.count(counter, { verdict });
        return verdict;
      } catch (error) {
        metrics.count(counter, { verdict: 'contradicts' });
        throw error;
      }
    },
  };
}
