import type { Stage } from './stage.ts';
import type { Wiretap } from './wiretap.ts';

/** What went on between two moments. */
export interface Traffic {
  readonly calls: number;
  readonly failed: number;
  readonly tokens: number;
  /** Says the first failure; empty without one. */
  readonly firstFailure: string;
}

/** Counts the service's calls from now on. */
export function watchTraffic(stage: Stage, wiretap: Wiretap): () => Traffic {
  const firstLine = stage.service.lines.length;
  const firstRequest = wiretap.requests.length;
  return () => {
    const lines = stage.service.lines.slice(firstLine);
    const bad = lines.filter(({ event, status }) => event === 'failed' || status !== 200);
    return {
      calls: lines.length,
      failed: bad.length,
      tokens: new Set(wiretap.requests.slice(firstRequest).map(({ token }) => token)).size,
      firstFailure: bad[0] ? JSON.stringify(bad[0]) : '',
    };
  };
}
