import { API, PROCESS, SERVICE } from '../config.ts';
import type { CollectedSpan } from '../collector.ts';
import type { Part } from '../part.ts';
import { traceTree } from '../trace-tree.ts';

const PROGRAMS = ['close-batch', 'tallystick', 'ledger-api'];

export const trace: Part = async ({ checks, collector, wiretap }) => {
  checks.part('3  One call, in three processes, as the observability tool sees it');
  let found: readonly CollectedSpan[] = [];
  const whole = (): boolean => {
    const byTrace = Map.groupBy(collector.spans, ({ traceId }) => traceId);
    found =
      [...byTrace.values()].find((spans) =>
        PROGRAMS.every((program) => spans.some(({ service }) => service === program)),
      ) ?? [];
    return found.length > 0;
  };
  checks.holds('one trace has spans of the service, the sidecar and the API', await collector.wait(whole, 10_000));
  await collector.wait(() => false, 500);
  whole();
  checks.show('spans', traceTree(found));
  const every = (name: string, good: (value: string, span: CollectedSpan) => boolean): boolean =>
    found.length > 0 && found.every((span) => good(span.attributes[`tallystick.${name}`] ?? '', span));
  checks.holds(
    'each says whose it is',
    every('identity.id', (id, { service }) => id === (service === 'ledger-api' ? API : SERVICE)),
  );
  checks.holds(
    'each says who answers for it',
    every('identity.owner.id', (id) => /^team-(payments|ledger)$/.test(id)),
  );
  checks.holds(
    'each says for which business process',
    every('business_process.id', (id) => id === PROCESS),
  );
  checks.holds(
    'the API says who called',
    found.some(({ service, attributes }) => service === 'ledger-api' && attributes['tallystick.caller.id'] === SERVICE),
  );
  const tokens = new Set(wiretap.requests.map(({ token }) => token));
  checks.holds(
    'no token is in any span',
    tokens.size > 0 && [...tokens].every((token) => !collector.raw().includes(token)),
  );
};
