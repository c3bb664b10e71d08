import type { Metrics } from '../../observe/metrics.ts';
import type { Answer } from '../answer.ts';

/** What probes ask. None of it depends on an upstream. */
export interface Health {
  /** Configuration loaded, sockets up, record writable. */
  isStarted(): boolean;
  /** Requests are served. */
  isReady(): boolean;
}

/** Answers a GET of the health listener, or undefined where there is no such route. */
export type HealthRoutes = (path: string) => Answer | undefined;

export function healthRoutes(health: Health, metrics: Metrics): HealthRoutes {
  return (path) => {
    switch (path) {
      case '/startupz':
        return probe(health.isStarted());
      case '/readyz':
        return probe(health.isReady());
      case '/livez':
        // That it is answered says that the event loop moves.
        return probe(true);
      case '/metrics':
        return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: metrics.render() };
      default:
        return undefined;
    }
  };
}

function probe(ok: boolean): Answer {
  return { status: ok ? 200 : 503, type: 'text/plain; charset=utf-8', body: ok ? 'ok\n' : 'not yet\n' };
}
