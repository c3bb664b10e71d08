import { onTestFinished } from 'vitest';
import type { ConnectOptions } from '../src/connect.ts';
import type { Identity } from '../src/identity.ts';
import { connectWith, type Runtime } from '../src/internal.ts';
import { FakeApi } from './fake-api.ts';
import { FakeSidecar, identityFor, type FakeOptions } from './fake-sidecar.ts';

/** Starts a sidecar that ends with the test. */
export async function sidecar(options?: FakeOptions, socketPath?: string): Promise<FakeSidecar> {
  const fake = await FakeSidecar.start(options, socketPath);
  onTestFinished(() => fake.stop());
  return fake;
}

/** Starts an API that trusts the sidecar, and is what the sidecar's credential is for. */
export async function api(fake: FakeSidecar, path = '/'): Promise<FakeApi> {
  const server = await FakeApi.start(fake.publicJwk);
  onTestFinished(() => server.stop());
  fake.options.identities = [identityFor([server.origin + path])];
  return server;
}

/** Connects to a sidecar until the test ends, sharing nothing with another test. */
export async function connected(
  fake: FakeSidecar,
  runtime: Partial<Runtime> = {},
  options: ConnectOptions = {},
): Promise<Identity> {
  const identity = await connectWith(runtime, { socket: fake.socketPath, ...options });
  onTestFinished(() => identity.close());
  return identity;
}
