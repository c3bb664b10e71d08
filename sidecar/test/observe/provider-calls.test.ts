import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { TallystickError } from '@tallystick/core';
import { expect, test } from 'vitest';
import { createOtelTelemetry } from '../../src/observe/otel-telemetry.ts';
import { startOpenTelemetry } from './open-telemetry.ts';

const CALL = { operation: 'mint', provider: 'vault-eu', leaseId: 'ls_01KAMZ3CT000000000000000AA' } as const;

test('each call of a provider is one span, by its lease', async () => {
  const otel = startOpenTelemetry();
  const telemetry = createOtelTelemetry('1.2.3', { monotonicMs: () => 0 });
  expect(await telemetry.providerCall(CALL, async () => 'made')).toBe('made');
  await telemetry.providerCall({ operation: 'end', provider: 'vault-eu' }, async () => {});
  expect(otel.spans().map(({ name, kind, attributes }) => [name, kind, attributes])).toEqual([
    [
      'mint_credential vault-eu',
      SpanKind.CLIENT,
      { 'tallystick.provider.name': 'vault-eu', 'tallystick.lease.id': CALL.leaseId },
    ],
    ['end_credential vault-eu', SpanKind.CLIENT, { 'tallystick.provider.name': 'vault-eu' }],
  ]);
});

test('one that fails says so by its code, and quotes nothing of what a provider threw', async () => {
  const otel = startOpenTelemetry();
  const telemetry = createOtelTelemetry('1.2.3', { monotonicMs: () => 0 });
  for (const error of [new TallystickError('upstream_sealed', 'sealed'), new Error('hvs.canary')]) {
    await expect(telemetry.providerCall(CALL, () => Promise.reject(error))).rejects.toBe(error);
  }
  const [known, unknown] = otel.spans();
  expect([known!.status.code, known!.attributes['error.type']]).toEqual([SpanStatusCode.ERROR, 'upstream_sealed']);
  expect(unknown!.status.code).toBe(SpanStatusCode.ERROR);
  expect(JSON.stringify([unknown!.attributes, unknown!.status, unknown!.events])).not.toContain('canary');
});
