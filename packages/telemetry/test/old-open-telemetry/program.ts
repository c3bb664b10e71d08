// What a service does, first without an SDK and then with the SDK 2. Prints what it saw as JSON.
import * as api from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base-2';
import {
  annotateSpan,
  currentBusinessProcess,
  currentTraceparent,
  IdentitySpanProcessor,
  instrument,
  scrubbingSpanProcessor,
  setServiceIdentity,
  suppressTracing,
  withBusinessProcess,
} from '../../src/index.ts';

const scope = instrument('program', '1');

async function work(): Promise<unknown> {
  return await withBusinessProcess({ id: 'BP-1042', runId: 'r-77' }, () =>
    scope.clientSpan('get_credential access-token', { 'tallystick.lease.id': 'ls_1' }, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      scope.emit('tallystick.credential.denied', { 'error.type': 'not_entitled' });
      scope.add('tallystick.audit.records', 1, {});
      annotateSpan({ 'tallystick.caller.id': 'x' });
      return suppressTracing(() => ({ process: currentBusinessProcess(), traceparent: currentTraceparent() }));
    }),
  );
}

const withoutSdk = await work();

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({
  spanProcessors: [new IdentitySpanProcessor(), scrubbingSpanProcessor(), new SimpleSpanProcessor(exporter)],
});
api.trace.setGlobalTracerProvider(provider);
const early = api.trace.getTracer('http').startSpan('GET', { attributes: { 'url.query': '?code=canary' } });
setServiceIdentity({
  id: 'spiffe://acme.example/x',
  trustDomain: 'acme.example',
  owner: { id: 'team-x', kind: 'team' },
  environment: 'test',
  processes: [],
});
early.end();
await work();

process.stdout.write(
  JSON.stringify({
    hasLogs: 'logs' in api,
    withoutSdk,
    spans: exporter.getFinishedSpans().map(({ name, attributes }) => ({ name, attributes })),
  }),
);
