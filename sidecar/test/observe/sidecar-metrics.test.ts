import { TallystickError } from '@tallystick/core';
import { expect, test } from 'vitest';
import { createMetrics } from '../../src/observe/metrics.ts';
import { meteredTelemetry } from '../../src/observe/metered-telemetry.ts';
import { noTelemetry } from '../../src/observe/no-telemetry.ts';
import { describeListeners } from '../../src/observe/sidecar-metrics.ts';
import type { RecordInput } from '../../src/record/record.ts';
import { configOf, identity } from '../acme.ts';
import { holder } from '../api/holder.ts';
import { serveSidecar, type ServeOptions } from '../api/served-sidecar.ts';

const BATCH = 'spiffe://acme.example/close-batch';

async function served(options: ServeOptions = {}) {
  const own = await serveSidecar(options);
  const one = await holder(await own.workload());
  /** The samples of one metric, without the buckets. */
  const samples = (name: string): string[] =>
    own.metrics
      .render()
      .split('\n')
      .filter((line) => new RegExp(`^${name}(_count)?[ {]`).test(line));
  return { ...own, holder: one, samples };
}

test('what was minted, rotated, denied and recorded is counted', async () => {
  const { holder: one, time, sidecar, samples } = await served();
  await one.token();
  await one.token();
  time.advance(600_000);
  await one.token();
  sidecar.withdrawal.rotate([...sidecar.table.all()]);
  await one.token();
  await one.token({ scope: 'everything' });
  expect(samples('tallystick_mint_duration_seconds')).toEqual([
    'tallystick_mint_duration_seconds_count{provider="issuer",outcome="ok"} 3',
  ]);
  expect(samples('tallystick_rotations_total')).toEqual([
    'tallystick_rotations_total{reason="schedule",outcome="ok"} 1',
    'tallystick_rotations_total{reason="operator",outcome="ok"} 1',
  ]);
  expect(samples('tallystick_denials_total')).toEqual(['tallystick_denials_total{reason="invalid_scope"} 1']);
  expect(samples('tallystick_records_total')).toContain('tallystick_records_total{type="credential.released"} 4');
  expect(samples('tallystick_record_append_duration_seconds')).toEqual([
    'tallystick_record_append_duration_seconds_count{outcome="ok"} 6',
  ]);
});

test('a command of nobody who logged in is counted, and one of somebody is not', () => {
  const metrics = createMetrics();
  const { recorded } = meteredTelemetry(noTelemetry, metrics);
  const record = (body: object): void =>
    recorded({ type: 'identity.resumed', body } as unknown as RecordInput, { id: 'r', seq: 0, origin: 'o' }, 0);
  const count = (): string | undefined => /^tallystick_operator_unattributed_total (\d+)$/m.exec(metrics.render())?.[1];
  const operator = { uid: 0, tty: null, reason: 'x' };
  record({ operator: { ...operator, loginUid: 1000 } });
  record({ operator: null });
  record({});
  expect(count() ?? '0').toBe('0');
  record({ operator: { ...operator, loginUid: null } });
  expect(count()).toBe('1');
});

test('a denial counts by its reason, also when a flood keeps it off the record', async () => {
  const { holder: one, samples } = await served();
  for (let i = 0; i < 25; i++) await one.token({ scope: 'everything' });
  expect(samples('tallystick_denials_total')).toEqual(['tallystick_denials_total{reason="invalid_scope"} 25']);
});

test('what fails is counted by the code of its error', async () => {
  let isBroken = false;
  const {
    holder: one,
    time,
    recorder,
    samples,
  } = await served({
    signer: (signer) => ({
      ...signer,
      sign: (...parts) =>
        isBroken ? Promise.reject(new TallystickError('signer_unavailable', 'no key')) : signer.sign(...parts),
    }),
  });
  await one.token();
  isBroken = true;
  time.advance(600_000);
  await one.token();
  expect(samples('tallystick_mint_duration_seconds').at(-1)).toBe(
    'tallystick_mint_duration_seconds_count{provider="issuer",outcome="signer_unavailable"} 1',
  );
  expect(samples('tallystick_rotations_total')).toEqual([
    'tallystick_rotations_total{reason="schedule",outcome="signer_unavailable"} 1',
  ]);
  recorder.fail();
  await one.token();
  expect(samples('tallystick_record_append_duration_seconds').at(-1)).toBe(
    'tallystick_record_append_duration_seconds_count{outcome="record_unavailable"} 1',
  );
});

test('identities are counted by state, all states always', async () => {
  const { sidecar, samples } = await served({
    config: configOf([identity('close-batch'), identity('other'), identity('old', { expires: '2020-01-01' })]),
  });
  await sidecar.withdrawal.suspend(sidecar.registry().identities.get(BATCH)!, 'test').durable;
  expect(samples('tallystick_identities')).toEqual([
    'tallystick_identities{state="active"} 1',
    'tallystick_identities{state="suspended"} 1',
    'tallystick_identities{state="expired"} 1',
  ]);
  await sidecar.apply(configOf([]));
  expect(samples('tallystick_identities').map((line) => line.split(' ')[1])).toEqual(['0', '0', '0']);
});

test('no label names an identity, owner, process, lease, key, record or log', async () => {
  const { holder: one, sidecar, metrics, recorder } = await served();
  const { lease_id: lease } = (await one.token({ context: '{"process":{"id":"BP-1042","run":"r-7"}}' })).json;
  await one.token({ scope: 'everything' });
  await one.send('GET', `/v1/${one.jkt}`);
  await sidecar.withdrawal.suspend(sidecar.registry().identities.get(BATCH)!, 'a reason').durable;
  await one.token();
  const text = metrics.render();
  expect(text).toContain('tallystick_denials_total{reason="suspended"} 1');
  for (const name of [
    'close-batch',
    'spiffe:',
    'acme.example',
    'team-payments',
    'BP-1042',
    'r-7',
    'ledger',
    String(lease),
    one.jkt,
    'record-',
    recorder.origin,
    'a reason',
  ]) {
    expect(text).not.toContain(name);
  }
});

test('connections and requests are read when they are asked for', () => {
  const metrics = createMetrics();
  const counts = { connections: 3, inFlight: 2 };
  describeListeners(metrics, () => counts);
  counts.connections = 5;
  expect(metrics.render()).toContain('\ntallystick_connections 5\n');
  expect(metrics.render()).toContain('\ntallystick_requests_in_flight 2\n');
});
