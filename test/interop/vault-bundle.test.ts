// The command as it is shipped, of whose dependencies only parts are in the bundle, speaks with a real Vault.
import { connect } from '@tallystick/sdk';
import { expect, test } from 'vitest';
import { startBundle } from '../daemon/bundle.ts';
import { kvRegistry, startKvVault } from '../bench/kv-vault.ts';
import { readRecords } from '../faults/record-files.ts';
import { describeWithServers } from '../servers/require-server.ts';

describeWithServers(['vault'], 'the bundle and a Vault', () => {
  test('a service gets a secret of Vault, and its record says from where, and nothing of it', async () => {
    await using kv = await startKvVault();
    await using daemon = await startBundle({ registry: kvRegistry(kv) });
    await using identity = await connect({ socket: `unix://${daemon.socket}` });
    const { values, version, delivery, leaseId } = await identity.credential('ledger-kv', 'secret');
    expect([values.password!.reveal(), version, delivery]).toEqual(['a-password-of-some-length', '1', 'sealed']);
    const types = readRecords(daemon.folder).filter(({ lease }) => lease === leaseId);
    expect(types.map(({ type }) => type)).toEqual(['credential.intent', 'credential.outcome', 'credential.released']);
    expect(JSON.stringify(readRecords(daemon.folder)) + daemon.output()).not.toContain('a-password');
  });
});
