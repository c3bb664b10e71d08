import { bodyHash } from '@tallystick/dpop';
import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import type { RecordedReport } from '../../src/record/usage/earlier-reports.ts';
import { configOf, identity } from '../acme.ts';
import { holder, type Holder } from './holder.ts';
import { serveSidecar, type ServeOptions } from './served-sidecar.ts';

const BATCH = 'spiffe://acme.example/close-batch';
const LEDGER = 'https://ledger-api.acme.example';
const JSON_HEADERS = { 'content-type': 'application/json' };

/** A holder that can report, and the lease that it has. */
async function served(options: ServeOptions = {}) {
  const own = await serveSidecar(options);
  const socket = await own.workload();
  const one = await holder(socket);
  const { lease_id: lease, access_token: token } = (await one.token()).json as Record<string, string>;
  own.recorder.clear();
  return { ...own, socket, holder: one, lease: lease!, token: token!, report: reporter(one) };
}

type Members = Record<string, unknown>;

/** Returns what sends reports of a holder, with a proof that binds the body. */
function reporter(one: Holder) {
  return async (members: Members, more: Record<string, string> = {}) => {
    const body = JSON.stringify(members);
    const send = () =>
      one.send('POST', '/v1/usage', {
        headers: { ...JSON_HEADERS, dpop: one.prove('POST', '/v1/usage', { bth: bodyHash(body) }), ...more },
        body,
      });
    const answer = await send();
    return answer.json.error === 'use_dpop_nonce' ? send() : answer;
  };
}

function reportOf(lease: string, members: Members = {}, use: Members = {}): Members {
  return {
    report: 0,
    final: false,
    uses: [
      {
        lease,
        count: 3,
        first: '2026-11-22T12:00:00.000Z',
        last: '2026-11-22T12:00:00.000Z',
        target: LEDGER,
        process: { id: 'BP-1042', run: '2026-11', ticket: null },
        ...use,
      },
    ],
    ...members,
  };
}

describe('POST /v1/usage', () => {
  test('is answered when the report is on record, with who says what of which lease, graded as said', async () => {
    const { report, lease, recorder, holder: one, heads } = await served();
    heads.head = 'the newest head';
    const answer = await report(reportOf(lease));
    expect([answer.status, answer.json]).toEqual([
      200,
      { report: 0, record_id: expect.stringMatching(/^record-/) as string, log_head: 'the newest head' },
    ]);
    expect(recorder.only('usage.reported')).toMatchObject({
      actor: BATCH,
      owner: { id: 'team-payments' },
      process: { registered: ['BP-1042'], claimed: null, match: null },
      lease,
      outcome: 'success',
      body: {
        final: false,
        grade: 'reported',
        jkt: one.jkt,
        report: 0,
        uses: [{ count: 3, lease, target: LEDGER, process: { id: 'BP-1042', run: '2026-11', ticket: null } }],
      },
    });
  });

  test('waits for the record, and is a retryable error without it; sent again it is recorded', async () => {
    const { report, lease, recorder } = await served();
    recorder.fail();
    const refused = await report(reportOf(lease));
    expect([refused.status, refused.json.code, refused.json.retryable]).toEqual([503, 'record_unavailable', true]);
    recorder.recover();
    expect((await report(reportOf(lease))).status).toBe(200);
    expect(recorder.types()).toEqual(['usage.reported']);
  });

  test('a report that comes again is answered the same, and recorded once; also while the first is being recorded', async () => {
    const { report, lease, recorder } = await served();
    const first = await report(reportOf(lease));
    const again = await report(reportOf(lease));
    expect([again.status, again.json]).toEqual([200, first.json]);
    recorder.hold();
    const two = [report(reportOf(lease, { report: 1 })), report(reportOf(lease, { report: 1 }))];
    await recorder.reached(2);
    recorder.letGo();
    const [one, other] = await Promise.all(two);
    expect(other!.json).toEqual(one!.json);
    expect(recorder.types()).toEqual(['usage.reported', 'usage.reported']);
  });

  test('a gap is recorded as it is; what is behind the newest is refused', async () => {
    const { report, lease, recorder } = await served();
    expect((await report(reportOf(lease))).status).toBe(200);
    expect((await report(reportOf(lease, { report: 5 }))).status).toBe(200);
    const late = await report(reportOf(lease, { report: 3 }));
    expect([late.status, late.json.code, late.json.retryable]).toEqual([400, 'invalid_request', false]);
    expect(recorder.records.map(({ body }) => (body as { report: number }).report)).toEqual([0, 5]);
  });

  test('nothing follows the final report, which may have no uses', async () => {
    const { report, lease, recorder } = await served();
    expect((await report({ report: 0, final: true, uses: [] })).status).toBe(200);
    expect((await report({ report: 0, final: true, uses: [] })).status).toBe(200);
    expect((await report(reportOf(lease, { report: 1 }))).json.code).toBe('invalid_request');
    expect(recorder.only('usage.reported')).toMatchObject({ lease: null, body: { final: true, uses: [] } });
  });

  test('a report of an earlier run is known, and the numbers go on from it', async () => {
    const earlier = new Map<string, RecordedReport>();
    const { report, lease, recorder, holder: one } = await served({ earlierReports: async () => earlier });
    earlier.set(`${one.jkt} ${BATCH}`, { report: 4, final: false, recordId: 'record-of-before' });
    const again = await report(reportOf(lease, { report: 4 }));
    expect(again.json).toMatchObject({ report: 4, record_id: 'record-of-before' });
    expect(recorder.types()).toEqual([]);
    expect((await report(reportOf(lease, { report: 5 }))).status).toBe(200);
  });

  test('while the reports of an earlier run cannot be read nothing is recorded, lest it be twice', async () => {
    let broken = true;
    const { report, lease, recorder } = await served({
      earlierReports: async () => {
        if (broken) throw new Error('EIO');
        return new Map();
      },
    });
    const refused = await report(reportOf(lease));
    expect([refused.status, refused.json.code, refused.json.retryable]).toEqual([503, 'record_unavailable', true]);
    broken = false;
    expect((await report(reportOf(lease))).status).toBe(200);
    expect(recorder.types()).toEqual(['usage.reported']);
  });

  test('a lease of another key, and one that nobody has, are refused alike', async () => {
    const { report, socket, recorder } = await served();
    const other = await holder(socket);
    const { lease_id: foreign } = (await other.token()).json as Record<string, string>;
    recorder.clear();
    const refused = await report(reportOf(foreign!));
    const unknown = await report(reportOf('ls_01KAMZ3CT000000000000000AA'));
    expect([refused.status, refused.json.code]).toEqual([404, 'lease_unknown']);
    expect(unknown.json).toEqual(refused.json);
    expect(recorder.types()).toEqual([]);
  });

  test('the same key as another identity holds other leases', async () => {
    const config = configOf([identity('close-batch'), identity('reports')]);
    const { socket, recorder } = await serveSidecar({ config }).then(async (own) => ({
      ...own,
      socket: await own.workload(),
    }));
    const one = await holder(socket);
    const { lease_id: lease } = (await one.token({ client_id: BATCH })).json as Record<string, string>;
    recorder.clear();
    const as = (id: string) => ({ 'tallystick-identity': id });
    expect((await reporter(one)(reportOf(lease!), as('spiffe://acme.example/reports'))).json.code).toBe(
      'lease_unknown',
    );
    expect((await reporter(one)(reportOf(lease!), as(BATCH))).status).toBe(200);
  });

  test('a lease that has ended is proven by its token, also after the token has expired', async () => {
    const { report, lease, token, time, sidecar, recorder } = await served();
    await sidecar.withdrawal.revokeLeases([sidecar.table.get(lease)!]).durable;
    time.advance(3_600_000);
    expect((await report(reportOf(lease))).json.code).toBe('lease_unknown');
    expect((await report(reportOf(lease, { tokens: [token] }))).status).toBe(200);
    expect(recorder.types().filter((type) => type === 'usage.reported')).toHaveLength(1);
    time.advance(86_400_000);
    expect((await report(reportOf(lease, { report: 1, tokens: [token] }))).json.code).toBe('lease_unknown');
  });

  test('a token of another key, of another lease, or that was changed proves nothing', async () => {
    const { report, socket, sidecar, lease, token, recorder } = await served();
    const other = await holder(socket);
    const foreign = (await other.token()).json as Record<string, string>;
    await sidecar.withdrawal.revokeLeases([...sidecar.table.all()]).durable;
    recorder.clear();
    const codes = await Promise.all(
      [
        reportOf(foreign.lease_id!, { tokens: [foreign.access_token] }),
        reportOf(foreign.lease_id!, { tokens: [token] }),
        reportOf(lease, { tokens: [`${token.slice(0, -4)}AAAA`] }),
      ].map(async (each) => (await report(each)).json.code),
    );
    expect(codes.every((code) => code === 'lease_unknown' || code === 'rate_limited')).toBe(true);
    expect(recorder.types()).toEqual([]);
  });

  test('a use is not before its lease was made and not after now, whatever the clock of who used it', async () => {
    const { report, lease, token, time, recorder } = await served();
    time.advance(60_000);
    const uses = { first: '1970-01-01T00:00:00Z', last: '2099-01-01T00:00:00Z' };
    expect((await report(reportOf(lease, {}, uses))).status).toBe(200);
    const { body } = recorder.only('usage.reported');
    expect(body.uses[0]).toMatchObject({
      first: new Date(decodeJwt(token).iat! * 1000).toISOString(),
      last: new Date(time.nowMs()).toISOString(),
    });
  });

  test('what looks like a secret is not recorded, wherever a workload puts it', async () => {
    const { report, lease, recorder } = await served();
    const claim = `hvs.${'A1b2'.repeat(8)}`;
    expect((await report(reportOf(lease, {}, { process: { id: claim, run: claim, ticket: claim } }))).status).toBe(200);
    expect(JSON.stringify(recorder.records)).not.toContain(claim);
  });

  test('a key that reports too often is told to wait, and nothing is recorded', async () => {
    const { report, lease, recorder } = await served();
    for (let i = 0; i < 40; i++) expect((await report(reportOf(lease, { report: i }))).status).toBe(200);
    const refused = await report(reportOf(lease, { report: 40 }));
    expect([refused.status, refused.json.code, refused.headers['retry-after']]).toEqual([429, 'rate_limited', '5']);
    // The answer to one that is on record costs nothing, and is not refused.
    expect((await report(reportOf(lease, { report: 39 }))).status).toBe(200);
    expect(recorder.types()).toHaveLength(40);
  });

  test('no more reports wait for the disk than a bounded number', async () => {
    const { socket, recorder } = await served();
    const reports = await Promise.all(
      Array.from({ length: 66 }, async () => {
        const one = await holder(socket);
        const { lease_id: lease } = (await one.token()).json as Record<string, string>;
        return () => reporter(one)(reportOf(lease!));
      }),
    );
    recorder.clear();
    recorder.hold();
    const answers = reports.map(async (report) => (await report()).status);
    await recorder.reached(64);
    expect(await Promise.race(answers)).toBe(429);
    recorder.letGo();
    expect(
      (await Promise.all(answers))
        .toSorted((a, b) => a - b)
        .slice(0, 64)
        .every((status) => status === 200),
    ).toBe(true);
    expect(recorder.types()).toHaveLength(64);
  });

  test.each([
    ['without a proof of its body', { dpop: (one: Holder) => one.prove('POST', '/v1/usage') }, 'invalid_proof'],
    [
      'with the proof of another body',
      { dpop: (one: Holder) => one.prove('POST', '/v1/usage', { bth: bodyHash('{}') }) },
      'invalid_proof',
    ],
    ['without its media type', { 'content-type': () => 'text/plain' }, 'invalid_request'],
  ])('%s it is refused', async (_what, headers, code) => {
    const { report, lease, recorder, holder: one } = await served();
    const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value(one)]));
    expect((await report(reportOf(lease), given)).json.code).toBe(code);
    expect(recorder.types()).toEqual([]);
  });

  test('the use before a suspension is still recorded: it is said of what was, and gives nothing', async () => {
    const { report, lease, token, sidecar, recorder } = await served();
    await sidecar.withdrawal.suspend(identity('close-batch'), 'incident').durable;
    expect((await report(reportOf(lease, { tokens: [token] }))).status).toBe(200);
    expect(recorder.types()).toContain('usage.reported');
  });
});

describe('a head that is shown again', () => {
  test('is judged with a token request and with a report, once who sends it is known', async () => {
    const { holder: one, report, lease, heads } = await served();
    expect((await one.token({ log_head: 'head 1' })).status).toBe(200);
    expect((await report(reportOf(lease, { log_head: 'head 2' }))).status).toBe(200);
    await one.send('POST', '/token', {
      headers: { 'content-type': 'application/x-www-form-urlencoded', dpop: 'none' },
      body: 'grant_type=client_credentials&log_head=head+3',
    });
    expect(heads.judged).toEqual(['head 1', 'head 2']);
  });

  test('nothing is released or recorded with one that proves that the log was set back, and status and metrics say so', async () => {
    const { holder: one, report, lease, heads, recorder, metrics } = await served();
    heads.proof = 'proof';
    const refused = [await one.token({ log_head: 'proof' }), await report(reportOf(lease, { log_head: 'proof' }))];
    expect(refused.map(({ status, json }) => [status, json.code])).toEqual([
      [503, 'record_unavailable'],
      [503, 'record_unavailable'],
    ]);
    expect(recorder.types()).toEqual([]);
    expect(metrics.render()).toContain('tallystick_record_set_back 1');
    expect(metrics.render()).toContain('tallystick_log_heads_echoed_total{verdict="contradicts"} 2');
  });

  test('every token comes with the newest head', async () => {
    const { holder: one, heads } = await served();
    heads.head = 'the newest head';
    expect((await one.token()).json.log_head).toBe('the newest head');
  });
});
