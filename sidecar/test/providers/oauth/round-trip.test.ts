import { createProof, generateHolderKey, bodyHash, type HolderKey } from '@tallystick/dpop';
import {
  createOneTimeKey,
  formatCredentialRequest,
  parseUpstreamProofAsk,
  type UpstreamProof,
} from '@tallystick/protocol';
import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { configOf, entitled, identity } from '../../acme.ts';
import { holder, type Holder } from '../../api/holder.ts';
import { serveSidecar } from '../../api/served-sidecar.ts';
import type { Answer } from '../../listen/unix-client.ts';
import { upstreamCredential } from '../test-provider.ts';
import { LEDGER, openedOauth, wanted } from './opened-oauth.ts';

const PATH = '/v1/credentials/erp-api';

/** A sidecar whose one upstream is an authorization server, and a workload with a key for each of the two. */
async function served() {
  const names = ['erp-api', 'erp-admin'];
  const batch = identity('close-batch', { entitlements: names.map((name) => entitled(name)) });
  const settings = { provider: 'sso', type: 'access-token', binding: 'dpop', holders: 'own' } as const;
  const apis = names.map((name) =>
    upstreamCredential(name, { ...settings, audience: LEDGER, scope: ['journal.write'], wanted: wanted() }),
  );
  const sidecar = await serveSidecar({ config: configOf([batch], apis) });
  const { server, provider } = await openedOauth({ time: sidecar.time });
  Object.assign(sidecar.upstream, provider, { renew: undefined, end: undefined });
  const socket = await sidecar.workload();
  const key = await generateHolderKey();
  const prove = (answer: Answer, by: HolderKey = key): UpstreamProof => {
    const { htu, nonce, challenge } = parseUpstreamProofAsk(answer.body)!;
    return {
      challenge,
      proof: createProof(by, { method: 'POST', url: htu, nonce, iat: sidecar.time.nowMs() / 1000 }),
    };
  };
  const recorded = () => sidecar.recorder.records.map(({ type }) => type);
  return { ...sidecar, server, socket, one: await holder(socket), key, prove, recorded };
}

async function request(who: Holder, upstreamProof?: UpstreamProof, path = PATH) {
  const sealTo = createOneTimeKey();
  const body = formatCredentialRequest({ type: 'access-token', sealTo: sealTo.jwk, upstreamProof });
  const send = (): Promise<Answer> =>
    who.send('POST', path, {
      headers: { 'content-type': 'application/json', dpop: who.prove('POST', path, { bth: bodyHash(body) }) },
      body,
    });
  const first = await send();
  const answer = first.json.code === 'use_dpop_nonce' ? await send() : first;
  const claims = answer.status === 200 ? decodeJwt(sealTo.open(answer.json.sealed as string)) : {};
  return { answer, claims: claims as Record<string, unknown> };
}

describe('a token that is bound to a key of the workload', () => {
  test('is asked for twice: the first round asks nobody and is not on record, the second one is', async () => {
    const { one, key, server, prove, recorded, recorder } = await served();
    const first = await request(one);
    expect(first.answer).toMatchObject({
      status: 400,
      json: {
        error: 'upstream_proof_required',
        code: 'upstream_proof_required',
        retryable: true,
        upstream_proof: { htm: 'POST', htu: server.tokenEndpoint, challenge: expect.any(String) as string },
      },
    });
    expect(server.requests).toEqual([]);
    expect(recorded()).toEqual([]);

    const { answer, claims } = await request(one, prove(first.answer));
    expect(answer.status).toBe(200);
    expect(claims).toMatchObject({ type: 'access-token', binding: 'dpop', cnf: { jkt: one.jkt } });
    const { token, ...others } = claims.credential as { token: string };
    expect(others).toEqual({ audience: LEDGER, scope: 'journal.write' });
    expect(decodeJwt(token)).toMatchObject({ cnf: { jkt: key.jkt }, aud: LEDGER });
    expect(recorded()).toEqual(['credential.intent', 'credential.outcome', 'credential.released']);
    expect(recorder.records[2]).toMatchObject({ body: { binding: 'dpop', handles: { jti: 'jti-1' } } });
  });

  test('has its first rounds counted, once a minute', async () => {
    const { one, recorder, time } = await served();
    await request(one);
    await request(one);
    time.advance(60_000);
    expect(recorder.only('refused.summary')).toMatchObject({ body: { counts: { upstream_proof_required: 2 } } });
  });

  test('is nowhere but in the sealed answer', async () => {
    const { one, prove, recorder, log, metrics } = await served();
    const { answer, claims } = await request(one, prove((await request(one)).answer));
    const { token } = claims.credential as { token: string };
    const told = [answer.body, recorder.records, log.lines, metrics.render()]
      .map((text) => JSON.stringify(text))
      .join();
    for (const part of [...token.split('.'), 'canary']) expect(told).not.toContain(part);
  });

  test('is served again without a proof until it is to be replaced, and then a proof is asked for', async () => {
    const { one, server, prove, time } = await served();
    const made = await request(one, prove((await request(one)).answer));
    expect((await request(one)).claims.lease_id).toBe(made.claims.lease_id);
    time.advance(200_000);
    const ask = await request(one);
    expect(ask.answer.json.code).toBe('upstream_proof_required');
    const next = await request(one, prove(ask.answer));
    expect(next.claims.lease_id).not.toBe(made.claims.lease_id);
    expect(server.requests).toHaveLength(2);
  });

  test('is served on while the server is away, and never once it has ended', async () => {
    const { one, server, prove, time } = await served();
    const made = await request(one, prove((await request(one)).answer));
    server.answer = () => ({ status: 503, body: 'away' });
    time.advance(200_000);
    const { claims } = await request(one, prove((await request(one)).answer));
    expect(claims.lease_id).toBe(made.claims.lease_id);
    time.advance(100_000);
    const { answer } = await request(one, prove((await request(one)).answer));
    expect([answer.status, answer.json.code]).toEqual([503, 'upstream_unavailable']);
  });

  test('takes another round where the server wants a nonce, and each round that asked it is on record', async () => {
    const { one, server, prove, recorded, recorder } = await served();
    server.nonce = 'nonce-1';
    const second = await request(one, prove((await request(one)).answer));
    expect(second.answer).toMatchObject({
      status: 400,
      json: { code: 'upstream_proof_required', upstream_proof: { nonce: 'nonce-1' } },
    });
    const third = await request(one, prove(second.answer));
    expect(third.answer.status).toBe(200);
    expect(recorded()).toEqual([
      'credential.intent',
      'credential.outcome',
      'credential.intent',
      'credential.outcome',
      'credential.released',
    ]);
    expect(recorder.records[1]).toMatchObject({
      outcome: 'failed',
      body: { status: 'refused', error: 'upstream_proof_required' },
    });
  });

  test('belongs to the key that asked: another one is asked for a proof of its own', async () => {
    const { one, socket, prove } = await served();
    await request(one, prove((await request(one)).answer));
    expect((await request(await holder(socket))).answer.json.code).toBe('upstream_proof_required');
  });

  test('is not handed out where the server has bound it to nothing, and that is on record', async () => {
    const { one, server, prove, recorder, recorded } = await served();
    server.members = { token_type: 'Bearer', access_token: 'canary-bearer' };
    const { answer } = await request(one, prove((await request(one)).answer));
    expect(answer).toMatchObject({ status: 403, json: { code: 'upstream_unbound' } });
    expect(recorded()).toEqual(['credential.intent', 'credential.outcome']);
    expect(recorder.records[1]).toMatchObject({ body: { status: 'refused', error: 'upstream_unbound' } });
    expect(answer.body + JSON.stringify(recorder.records)).not.toContain('canary');
  });
});

describe('an answer to an ask for a proof', () => {
  test('is not taken from another key, nor for another credential: a new proof is asked for', async () => {
    const { one, socket, server, prove } = await served();
    const ask = await request(one);
    const stolen = await request(await holder(socket), prove(ask.answer));
    expect(stolen.answer.json.code).toBe('upstream_proof_required');
    const elsewhere = await request(one, prove(ask.answer), '/v1/credentials/erp-admin');
    expect(elsewhere.answer.json.code).toBe('upstream_proof_required');
    expect(server.requests).toEqual([]);
  });

  test('is not taken twice, and not after 30 s', async () => {
    const { one, server, prove, time } = await served();
    const answered = prove((await request(one)).answer);
    server.answer = () => ({ status: 503, body: 'away' });
    expect((await request(one, answered)).answer.json.code).toBe('upstream_unavailable');
    expect((await request(one, answered)).answer.json.code).toBe('proof_replayed');
    expect(server.requests).toHaveLength(1);
    const late = prove((await request(one)).answer);
    time.advance(30_000);
    expect((await request(one, late)).answer.json.code).toBe('upstream_proof_required');
    expect(server.requests).toHaveLength(1);
  });

  test('is refused by the key that asks the sidecar, and for another server', async () => {
    const { one, server, prove, time, key, recorded } = await served();
    const ask = await request(one);
    expect((await request(one, prove(ask.answer, one.key))).answer.json.code).toBe('invalid_proof');
    const elsewhere = createProof(key, { method: 'POST', url: 'https://evil.example/token', iat: time.nowMs() / 1000 });
    const { challenge } = prove(ask.answer);
    expect((await request(one, { challenge, proof: elsewhere })).answer.json.code).toBe('invalid_proof');
    expect(server.requests).toEqual([]);
    expect(recorded()).toEqual([]);
  });
});
