import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { TallystickError } from '@tallystick/core';
import { METRIC_ATTRIBUTES } from '@tallystick/telemetry/names';
import { describe, expect, test } from 'vitest';
import { createOtelTelemetry } from '../../src/observe/otel-telemetry.ts';
import { configOf, identity } from '../acme.ts';
import { holder, postForm } from '../api/holder.ts';
import { serveSidecar, type ServeOptions } from '../api/served-sidecar.ts';
import { ask } from '../listen/unix-client.ts';
import { startOpenTelemetry } from './open-telemetry.ts';

const BATCH = 'spiffe://acme.example/close-batch';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const GRANT = 'grant_type=client_credentials';

async function served(options: ServeOptions = {}) {
  const otel = startOpenTelemetry();
  const own = await serveSidecar({ ...options, telemetry: (clock) => createOtelTelemetry('1.2.3', clock) });
  const socket = await own.workload();
  const one = await holder(socket);
  const token = (headers: Record<string, string> = {}, body = GRANT) =>
    one.send('POST', '/token', { headers: { ...FORM, ...headers }, body });
  return { ...own, otel, socket, holder: one, token };
}

const IDENTITY = {
  'tallystick.identity.id': BATCH,
  'tallystick.identity.kind': 'workload',
  'tallystick.identity.trust_domain': 'acme.example',
  'tallystick.identity.environment': 'production',
  'tallystick.identity.owner.id': 'team-payments',
  'tallystick.identity.owner.kind': 'team',
  'tallystick.attestation.assurance': 'process',
};
const TOKEN_REQUEST = {
  'http.request.method': 'POST',
  'http.route': '/token',
  'network.transport': 'unix',
  'tallystick.operation.name': 'get_credential',
};
const ORIGIN = 'acme.example/01KAMZ3CT000000000000000AA/1/1';

describe('the span of a token request', () => {
  test('says who, under whose responsibility, for what, what was decided, and where that is on record', async () => {
    const { otel, holder: one } = await served();
    const context = JSON.stringify({ process: { id: 'BP-1042', run: '2026-11', ticket: 'CHG-1' } });
    const answer = await one.token({ context });
    const span = otel.lastSpan();
    expect([span.name, span.kind, span.status]).toEqual([
      'POST /token',
      SpanKind.SERVER,
      { code: SpanStatusCode.UNSET },
    ]);
    expect(span.instrumentationScope).toMatchObject({ name: '@tallystick/sidecar', version: '1.2.3' });
    expect(span.attributes).toEqual({
      ...TOKEN_REQUEST,
      ...IDENTITY,
      'http.response.status_code': 200,
      'tallystick.business_process.id': 'BP-1042',
      'tallystick.business_process.run.id': '2026-11',
      'tallystick.business_process.ticket': 'CHG-1',
      'tallystick.policy.decision': 'allow',
      'tallystick.provider.name': 'issuer',
      'tallystick.credential.name': 'ledger-api',
      'tallystick.credential.type': 'access-token',
      'tallystick.credential.source': 'minted',
      'tallystick.credential.lifetime': 900,
      'tallystick.lease.id': answer.json.lease_id,
      'tallystick.audit.record.id': 'record-0',
      'tallystick.audit.log.index': 0,
      'tallystick.audit.log.origin': ORIGIN,
    });
    await one.token();
    expect(otel.lastSpan().attributes).toMatchObject({
      'tallystick.credential.source': 'cache',
      'tallystick.audit.record.id': 'record-1',
    });
  });

  test('is the child of the span that the caller names, and the record names that one too', async () => {
    const { otel, token, recorder } = await served();
    await token({ traceparent: `00-${TRACE}-${CALLER}-01` });
    const span = otel.lastSpan();
    expect(span.spanContext().traceId).toBe(TRACE);
    expect(span.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: CALLER, isRemote: true });
    expect(recorder.only('credential.released').trace).toEqual({ trace_id: TRACE, span_id: CALLER });
  });

  test('is not exported where the caller does not sample; record, metrics and events are', async () => {
    const { otel, token, recorder } = await served();
    await token();
    const before = otel.spans().length;
    await token({ traceparent: `00-${TRACE}-${CALLER}-00` });
    expect(otel.spans().length).toBe(before);
    expect(recorder.records.at(-1)!.trace).toEqual({ trace_id: TRACE, span_id: CALLER });
    expect(otel.events('tallystick.credential.issued')).toHaveLength(2);
    expect((await otel.metrics()).get('tallystick.policy.decisions')).toMatchObject([{ value: 2 }]);
  });

  test.each([
    ['cut', `00-${TRACE}-${CALLER}`],
    ['upper case', `00-${TRACE.toUpperCase()}-${CALLER}-01`],
    ['zeros', `00-${'0'.repeat(32)}-${CALLER}-01`],
    ['version ff', `ff-${TRACE}-${CALLER}-01`],
    ['long', `cc-${TRACE}-${CALLER}-01-${'x'.repeat(300)}`],
  ])('begins a trace of its own where the traceparent is malformed: %s', async (_, traceparent) => {
    const { otel, token, recorder } = await served();
    expect((await token({ traceparent })).status).toBe(200);
    expect(otel.lastSpan().parentSpanContext).toBeUndefined();
    expect(otel.lastSpan().spanContext().traceId).not.toBe(TRACE);
    expect(recorder.only('credential.released').trace).toBeNull();
  });

  test('of a denial has the decision and its record, and no error status', async () => {
    const { otel, token } = await served();
    await token();
    expect((await token({}, `${GRANT}&scope=everything`)).status).toBe(400);
    const { attributes, status } = otel.lastSpan();
    expect(status).toEqual({ code: SpanStatusCode.UNSET });
    expect(attributes).toEqual({
      ...TOKEN_REQUEST,
      ...IDENTITY,
      'http.response.status_code': 400,
      'tallystick.policy.decision': 'deny',
      'tallystick.credential.name': 'ledger-api',
      'tallystick.audit.record.id': 'record-1',
      'tallystick.audit.log.index': 1,
      'tallystick.audit.log.origin': ORIGIN,
      'error.type': 'invalid_scope',
    });
  });

  test('of a refused proof names who sent it, and no decision', async () => {
    const { otel, socket, holder: one } = await served();
    await ask(socket, {
      method: 'POST',
      target: '/token',
      headers: { ...FORM, dpop: one.prove('POST', '/token') },
      body: GRANT,
    });
    const { attributes, status } = otel.lastSpan();
    expect(status).toEqual({ code: SpanStatusCode.UNSET });
    expect(attributes).toEqual({
      ...TOKEN_REQUEST,
      ...IDENTITY,
      'http.response.status_code': 400,
      'error.type': 'use_dpop_nonce',
    });
  });

  test('is an error where the record fails, and says what the operator can do', async () => {
    const { otel, token, recorder } = await served();
    await token();
    recorder.fail();
    expect((await token()).status).toBe(503);
    const { attributes, status } = otel.lastSpan();
    expect(attributes).toMatchObject({
      ...IDENTITY,
      'http.response.status_code': 503,
      'error.type': 'record_unavailable',
    });
    expect(attributes).not.toHaveProperty('tallystick.lease.id');
    expect(status.code).toBe(SpanStatusCode.ERROR);
    expect(status.message).toMatch(/^record_unavailable: free space/);
  });

  test('is an error where the sidecar itself is wrong, and quotes nothing of it', async () => {
    const secret = 'eyJ-secret-token';
    const { otel, token } = await served({
      signer: (signer) => ({ ...signer, sign: () => Promise.reject(new TypeError(secret)) }),
    });
    expect((await token()).status).toBe(500);
    const { attributes, status, events } = otel.lastSpan();
    expect(attributes).toMatchObject({ 'http.response.status_code': 500, 'error.type': 'internal_error' });
    expect(status).toMatchObject({
      code: SpanStatusCode.ERROR,
      message: expect.stringMatching(/^internal_error: /) as string,
    });
    expect(JSON.stringify([attributes, status, events])).not.toContain(secret);
  });
});

describe('the span of another request', () => {
  test.each([
    ['GET', '/.well-known/oauth-authorization-server', 'discover'],
    ['GET', '/jwks', 'discover'],
    ['GET', '/v1/identity', 'connect'],
    ['DELETE', '/v1/leases/ls_01KAB3N2C7V0Q8R5T4W6X9YZ0A', 'release_lease'],
  ])('%s %s has a name of few values, and its operation: %s', async (method, target, operation) => {
    const { otel, holder: one } = await served();
    await one.send(method, target);
    const route = target.startsWith('/v1/leases/') ? '/v1/leases/' : target;
    expect(otel.lastSpan().name).toBe(`${method} ${route}`);
    expect(otel.lastSpan().attributes).toMatchObject({ 'http.route': route, 'tallystick.operation.name': operation });
  });

  test('to what is no route names none', async () => {
    const { otel, socket } = await served();
    await ask(socket, { target: '/admin/secrets' });
    expect(otel.lastSpan().name).toBe('GET');
    expect(otel.lastSpan().attributes).toEqual({
      'http.request.method': 'GET',
      'http.response.status_code': 404,
      'network.transport': 'unix',
      'error.type': 'route_unknown',
    });
  });

  test.each(['/revoke', '/introspect'])(
    '%s, which takes no proof, names the workload where there is one',
    async (target) => {
      const two = [identity('close-batch'), identity('shadow')];
      const { otel, socket, sidecar } = await served();
      await postForm(socket, target, { token: 'x' });
      expect(otel.lastSpan().attributes).toMatchObject(IDENTITY);
      await sidecar.apply(configOf(two));
      await postForm(socket, target, { token: 'x' });
      expect(otel.lastSpan().attributes).not.toHaveProperty('tallystick.identity.id');
    },
  );
});

describe('an event', () => {
  test('of a request belongs to its span and points at its record', async () => {
    const { otel, token } = await served();
    const answer = await token();
    const span = otel.lastSpan();
    await token({}, `${GRANT}&resource=https://other.acme.example`);
    const [issued, denied] = [otel.events('tallystick.credential.issued'), otel.events('tallystick.credential.denied')];
    expect(issued).toMatchObject([{ severityText: 'INFO', spanContext: { spanId: span.spanContext().spanId } }]);
    expect(issued[0]!.attributes).toEqual({
      'tallystick.identity.id': BATCH,
      'tallystick.lease.id': answer.json.lease_id,
      'tallystick.credential.name': 'ledger-api',
      'tallystick.credential.type': 'access-token',
      'tallystick.credential.source': 'minted',
      'tallystick.credential.lifetime': 900,
      'tallystick.provider.name': 'issuer',
      'tallystick.audit.record.id': 'record-0',
    });
    expect(denied).toMatchObject([
      { severityText: 'WARN', spanContext: { spanId: otel.lastSpan().spanContext().spanId } },
    ]);
    expect(denied[0]!.attributes).toEqual({
      'tallystick.identity.id': BATCH,
      'tallystick.audit.record.id': 'record-1',
      'error.type': 'invalid_target',
    });
  });

  test('tells of a denial only while each is on record: a flood is counted alone', async () => {
    const { otel, token } = await served();
    await token();
    for (let i = 0; i < 23; i++) await token({}, `${GRANT}&scope=everything`);
    expect(otel.events('tallystick.credential.denied')).toHaveLength(20);
    expect(otel.lastSpan().attributes).toMatchObject({
      'tallystick.policy.decision': 'deny',
      'error.type': 'rate_limited',
    });
    expect(otel.lastSpan().attributes).not.toHaveProperty('tallystick.audit.record.id');
    const decisions = (await otel.metrics()).get('tallystick.policy.decisions')!;
    expect(decisions.map(({ attributes, value }) => [attributes['tallystick.policy.decision'], value])).toEqual([
      ['allow', 1],
      ['deny', 23],
    ]);
  });

  test('tells once for each connection that a workload was recognised, or was not', async () => {
    const { otel, token, workload } = await served();
    await token();
    await token();
    const stranger = await holder(await workload({ uid: 7 }));
    await stranger.token();
    await stranger.token();
    expect(otel.events('tallystick.identity.attested').map(({ attributes }) => attributes)).toEqual([
      { 'tallystick.identity.id': BATCH, 'tallystick.attestation.assurance': 'process' },
    ]);
    expect(otel.events('tallystick.identity.attestation_failed').map(({ attributes }) => attributes)).toEqual([
      { 'tallystick.attestation.assurance': 'process', 'error.type': 'identity_unknown' },
    ]);
  });

  test('tells of leases that were ended, by the record that names them', async () => {
    const { otel, holder: one, token, sidecar, standing } = await served();
    const { lease_id: id } = (await token()).json;
    await one.send('DELETE', `/v1/leases/${String(id)}`);
    await token();
    await sidecar.apply(configOf([identity('another')]));
    await standing.revoke([]);
    const revoked = otel.events('tallystick.credential.revoked').map(({ attributes }) => attributes);
    expect(revoked[0]).toEqual({
      'tallystick.identity.id': BATCH,
      'tallystick.lease.id': id,
      'tallystick.audit.record.id': 'record-1',
    });
  });

  test('tells of a configuration that took hold and of one that was refused', async () => {
    const { otel, sidecar } = await served();
    await sidecar.lifecycle.configLoaded('file', 'digest');
    await sidecar.lifecycle.configRefused(3);
    expect(
      otel.events().map(({ eventName, severityText, attributes }) => [eventName, severityText, attributes]),
    ).toEqual([
      ['tallystick.configuration.loaded', 'INFO', { 'tallystick.audit.record.id': 'record-1' }],
      ['tallystick.configuration.refused', 'ERROR', { 'tallystick.audit.record.id': 'record-2' }],
    ]);
  });

  test('tells that the record has ended, by the code of the system alone', async () => {
    const otel = startOpenTelemetry();
    const telemetry = createOtelTelemetry('1.2.3', { monotonicMs: () => 0 });
    telemetry.recordEnded(Object.assign(new Error('no space on /secret/path'), { code: 'ENOSPC' }));
    expect(otel.events()).toMatchObject([
      { eventName: 'tallystick.audit.write_failed', severityText: 'FATAL', attributes: { 'error.type': 'ENOSPC' } },
    ]);
  });
});

describe('rotation', () => {
  const failing = (fails: () => boolean): ServeOptions => ({
    signer: (signer) => ({
      ...signer,
      sign: (...parts) =>
        fails() ? Promise.reject(new TallystickError('signer_unavailable', 'no key')) : signer.sign(...parts),
    }),
  });

  test('is counted by its reason, and a new lease after the end of the old one is none', async () => {
    const { otel, token, time, sidecar } = await served();
    await token();
    time.advance(600_000);
    await token();
    sidecar.withdrawal.rotate([...sidecar.table.all()]);
    await token();
    time.advance(1_000_000);
    await token();
    const { attributes: first, value } = (await otel.metrics()).get('tallystick.credential.rotations')![0]!;
    expect([first, value]).toEqual([
      { 'tallystick.provider.name': 'issuer', 'tallystick.rotation.reason': 'schedule' },
      1,
    ]);
    expect((await otel.metrics()).get('tallystick.credential.rotations')!.map((series) => series.value)).toEqual([
      1, 1,
    ]);
  });

  test('that fails is counted and told, while the old lease is served on', async () => {
    let isBroken = false;
    const { otel, token, time } = await served(failing(() => isBroken));
    const first = await token();
    isBroken = true;
    time.advance(600_000);
    const second = await token();
    expect(second.json.lease_id).toBe(first.json.lease_id);
    expect((await otel.metrics()).get('tallystick.credential.rotations')).toEqual([
      {
        attributes: {
          'tallystick.provider.name': 'issuer',
          'tallystick.rotation.reason': 'schedule',
          'error.type': 'signer_unavailable',
        },
        value: 1,
      },
    ]);
    expect(otel.events('tallystick.credential.rotation_failed').map(({ attributes }) => attributes)).toEqual([
      {
        'tallystick.identity.id': BATCH,
        'tallystick.lease.id': first.json.lease_id,
        'tallystick.credential.name': 'ledger-api',
        'tallystick.provider.name': 'issuer',
        'error.type': 'signer_unavailable',
      },
    ]);
  });
});

test('metrics count what was done, and name no identity, owner, process, lease, key, record or log', async () => {
  const { otel, token, holder: one, sidecar, recorder } = await served();
  const { lease_id: lease } = (await token()).json;
  await token({}, `${GRANT}&scope=everything`);
  await sidecar.withdrawal.suspend(sidecar.registry().identities.get(BATCH)!, 'test').durable;
  recorder.fail();
  await token();
  const found = await otel.metrics();
  const values = Object.fromEntries([...found].map(([name, series]) => [name, series.map(({ value }) => value)]));
  expect(values).toEqual({
    // One round for the nonce, and the two that were decided; the third could not be recorded.
    'tallystick.server.request.duration': [1, 1, 1, 1],
    'tallystick.policy.decisions': [1, 1],
    'tallystick.credential.releases': [1],
    'tallystick.credential.mint.duration': [1],
    'tallystick.credential.active': [0],
    'tallystick.identity.count': [0, 1, 0],
    'tallystick.audit.append.duration': [2, 1],
    'tallystick.audit.records': [1, 1],
  });
  const text = JSON.stringify([...found]);
  for (const name of [BATCH, 'close-batch', 'team-payments', 'BP-1042', String(lease), one.jkt, 'record-0', ORIGIN]) {
    expect(text).not.toContain(name);
  }
  for (const [name, series] of found) {
    const allowed: readonly string[] = METRIC_ATTRIBUTES[name as keyof typeof METRIC_ATTRIBUTES];
    for (const { attributes } of series) {
      expect(Object.keys(attributes).filter((key) => !allowed.includes(key))).toEqual([]);
    }
  }
});
