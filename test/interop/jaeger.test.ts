import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { API, PROCESS, SERVICE } from '../../examples/demo/src/config.ts';
import { setStage, type Stage } from '../../examples/demo/src/stage.ts';
import { startWiretap, type Wiretap } from '../../examples/demo/src/wiretap.ts';
import { startJaeger, type Jaeger } from '../servers/jaeger.ts';
import { describeWithServers } from '../servers/require-server.ts';

const PROGRAMS = ['close-batch', 'ledger-api', 'tallystick'];

/** A trace as Jaeger's query API answers it. */
interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly {
    readonly operationName: string;
    readonly processID: string;
    readonly tags: readonly { readonly key: string; readonly value: unknown }[];
  }[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

describeWithServers(['jaeger'], 'Jaeger, where the spans of sidecar, service and API meet', () => {
  let folder: string;
  let jaeger: Jaeger;
  let wiretap: Wiretap;
  let stage: Stage;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tallystick-jaeger-'));
    [jaeger, wiretap] = await Promise.all([startJaeger(), startWiretap()]);
    stage = await setStage(folder, { endpoint: jaeger.otlpUrl }, wiretap);
  });
  afterAll(async () => {
    await stage?.stop();
    wiretap?.close();
    await jaeger?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const search = async (service: string, tags: Readonly<Record<string, string>>): Promise<readonly JaegerTrace[]> => {
    const url = new URL('/api/traces', jaeger.queryUrl);
    url.search = new URLSearchParams({ service, tags: JSON.stringify(tags), limit: '10000' }).toString();
    return ((await (await fetch(url)).json()) as { data: JaegerTrace[] }).data;
  };
  const programsOf = ({ processes }: JaegerTrace): string[] =>
    [...new Set(Object.values(processes).map(({ serviceName }) => serviceName))].sort();
  /** Resolves with a trace that has spans of all three, once there is one: each process exports at its own pace. */
  const findWhole = async (service: string, tags: Readonly<Record<string, string>>): Promise<JaegerTrace> => {
    let whole: JaegerTrace | undefined;
    await expect
      .poll(
        async () => {
          whole = (await search(service, tags)).find((trace) => programsOf(trace).length === PROGRAMS.length);
          return whole && programsOf(whole);
        },
        { timeout: 15_000, interval: 100 },
      )
      .toEqual(PROGRAMS);
    return whole!;
  };

  test.each([
    ['the identity of the service', 'close-batch', { 'tallystick.identity.id': SERVICE }],
    ['the owner of the service', 'close-batch', { 'tallystick.identity.owner.id': 'team-payments' }],
    ['the business process', 'close-batch', { 'tallystick.business_process.id': PROCESS }],
    ['the caller, at the API', 'ledger-api', { 'tallystick.caller.id': SERVICE }],
    ['the workload, at the sidecar', 'tallystick', { 'tallystick.identity.id': SERVICE }],
  ])('a call is found, whole, by %s', async (_, service, tags) => {
    const { spans } = await findWhole(service, tags);
    expect(spans.length).toBeGreaterThanOrEqual(PROGRAMS.length);
  });

  test('every span of a call says who, under whose responsibility, and for what', async () => {
    const trace = await findWhole('close-batch', { 'tallystick.business_process.id': PROCESS });
    for (const { processID, operationName, tags } of trace.spans) {
      const program = trace.processes[processID]!.serviceName;
      const isApi = program === 'ledger-api';
      const attributes = Object.fromEntries(tags.map(({ key, value }) => [key, value]));
      expect({ program, operationName, ...attributes }).toMatchObject({
        'tallystick.identity.id': isApi ? API : SERVICE,
        'tallystick.identity.owner.id': isApi ? 'team-ledger' : 'team-payments',
        'tallystick.business_process.id': PROCESS,
      });
    }
  });

  test('no token and no proof is in any span', async () => {
    const spans = JSON.stringify(await Promise.all(PROGRAMS.map((program) => search(program, {}))));
    const secrets = wiretap.requests.flatMap(({ token, proof }) => [token, proof]);
    expect(secrets.length).toBeGreaterThan(0);
    expect(secrets.filter((secret) => spans.includes(secret))).toEqual([]);
    // Nor one that has expired since: none begins as a JWT does.
    expect(spans).not.toMatch(/eyJ[\w-]{10,}\./);
  });
});
