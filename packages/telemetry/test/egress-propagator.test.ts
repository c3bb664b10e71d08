import { context, propagation, trace } from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { egressPropagator, setServiceIdentity, withBusinessProcess } from '../src/index.ts';
import { startOpenTelemetry, stopOpenTelemetry } from './open-telemetry.ts';

beforeEach(() => {
  startOpenTelemetry();
  propagation.disable();
  const w3c = new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] });
  propagation.setGlobalPropagator(egressPropagator(w3c, (host) => host === 'ledger.acme.example'));
});
afterEach(() => {
  setServiceIdentity(undefined);
  stopOpenTelemetry();
});

/** The headers of a request to `host`, as the HTTP instrumentations make them. */
function headersTo(host: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  const baggage = propagation.createBaggage({ tenant: { value: 'blue' } });
  context.with(propagation.setBaggage(context.active(), baggage), () =>
    withBusinessProcess({ id: 'BP-1042', runId: 'r-77' }, () => {
      const span = trace.getTracer('http').startSpan('GET', host ? { attributes: { 'server.address': host } } : {});
      propagation.inject(trace.setSpan(context.active(), span), headers);
    }),
  );
  return headers;
}

test('the business process goes to a host that may carry it', () => {
  expect(headersTo('ledger.acme.example')['baggage']).toBe(
    'tenant=blue,tallystick.process=BP-1042,tallystick.run=r-77',
  );
});

test.each(['third-party.example', 'ledger.acme.example.evil.example', undefined])(
  'the business process does not go to %s, while trace and foreign baggage do',
  (host) => {
    const headers = headersTo(host);
    expect(headers['baggage']).toBe('tenant=blue');
    expect(headers['traceparent']).toMatch(/^00-/);
  },
);

test('by default it goes to the hosts that the credentials of the service are for', () => {
  propagation.disable();
  propagation.setGlobalPropagator(egressPropagator(new W3CBaggagePropagator()));
  expect(headersTo('ledger.acme.example')['baggage']).toBe('tenant=blue');
  setServiceIdentity({
    id: 'spiffe://acme.example/x',
    trustDomain: 'acme.example',
    owner: { id: 'team-x', kind: 'team' },
    environment: 'test',
    processes: [],
    hosts: ['ledger.acme.example'],
  });
  expect(headersTo('ledger.acme.example')['baggage']).toContain('tallystick.process=BP-1042');
  expect(headersTo('third-party.example')['baggage']).toBe('tenant=blue');
});

test('a request outside any business process is left alone', () => {
  const headers: Record<string, string> = {};
  trace.getTracer('http').startActiveSpan('GET', () => propagation.inject(context.active(), headers));
  expect(Object.keys(headers)).toEqual(['traceparent']);
});
