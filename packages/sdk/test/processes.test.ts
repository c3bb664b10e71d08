import { execFile } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { CLOSE_BATCH, type FakeSidecar } from './fake-sidecar.ts';
import { api, connected, sidecar } from './setup.ts';

interface Ended {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs a program until it ends by itself. */
function run(program: string, socketPath: string, env: Record<string, string> = {}): Promise<Ended> {
  const path = new URL(`programs/${program}`, import.meta.url).pathname;
  const options = { env: { ...process.env, NODE_OPTIONS: '', TALLYSTICK_SOCKET: `unix://${socketPath}`, ...env } };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['--conditions=@tallystick/source', path], options, (_, output, errors) =>
      resolve({ code: child.exitCode ?? -1, output, errors }),
    );
  });
}

const keys = (fake: FakeSidecar): number =>
  new Set(fake.seen.flatMap(({ path, proof }) => (path === '/token' ? [proof!.jkt] : []))).size;

describe('a program', () => {
  test('ends by itself, though the stream is open and a watch waits', async () => {
    const fake = await sidecar();
    const { code, output, errors } = await run('idle.ts', fake.socketPath);
    expect([code, errors]).toEqual([0, '']);
    expect(JSON.parse(output)).toMatchObject({ id: CLOSE_BATCH.id, leaseId: fake.leases[0] });
  });

  test('is not ended by Node while it awaits the sidecar', async () => {
    const fake = await sidecar();
    fake.options.intercept = async () => {
      await wait(150);
      return undefined;
    };
    expect(await run('idle.ts', fake.socketPath)).toMatchObject({ code: 0, errors: '' });
  });

  test('is not ended by Node while the interceptor awaits a token', async () => {
    const fake = await sidecar();
    const server = await api(fake);
    expect(await run('intercepted.ts', fake.socketPath, { API: server.origin })).toEqual({
      code: 0,
      output: '200\n',
      errors: '',
    });
  });

  test('loads the SDK by require()', async () => {
    const fake = await sidecar();
    const { output } = await run('required.cjs', fake.socketPath);
    expect(JSON.parse(output)).toEqual([CLOSE_BATCH.id, 'function', 'function']);
  });
});

// Nine processes on the two cores of a busy machine.
describe('one key for each thread', { timeout: 90_000 }, () => {
  test('five threads that ask fifty times at once make five mints', async () => {
    const fake = await sidecar();
    const { output, errors } = await run('workers.ts', fake.socketPath);
    expect(errors).toBe('');
    expect((JSON.parse(output) as string[][]).map((leases) => new Set(leases).size)).toEqual([1, 1, 1, 1, 1]);
    expect([fake.mints, keys(fake)]).toEqual([5, 5]);
  });

  test('eight processes of a cluster that ask a hundred times at once make eight mints', async () => {
    const fake = await sidecar();
    const { code, output, errors } = await run('cluster.ts', fake.socketPath);
    expect([code, errors]).toEqual([0, '']);
    expect((JSON.parse(output) as string[][]).map((leases) => new Set(leases).size)).toEqual(
      Array.from({ length: 8 }, () => 1),
    );
    expect([fake.mints, keys(fake)]).toEqual([8, 8]);
  });
});

// vitest's fake timers are those of sinon and of jest: @sinonjs/fake-timers.
test('fake timers of a test runner freeze neither rotation nor the time in a proof', async () => {
  const fake = await sidecar({ lifetimeSeconds: 2 });
  vi.useFakeTimers({ now: Date.parse('2031-01-01') });
  try {
    const identity = await connected(fake);
    const leases = new Set<string>();
    for await (const credential of identity.watch('ledger-api', 'access-token')) {
      leases.add(credential.leaseId);
      if (leases.size === 2) break;
    }
    expect(fake.mints).toBe(2);
    const iats = fake.seen.flatMap(({ proof }) => (proof ? [proof.iat] : []));
    expect(Math.max(...iats)).toBeLessThan(Date.parse('2031-01-01') / 1000);
  } finally {
    vi.useRealTimers();
  }
});
