// What a sidecar says of the escrow of its fingerprint key when it starts.
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startDaemon, type Daemon } from '../daemon/daemon.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 3072 });
const WARNING = 'the fingerprint key of this log is not sealed to "audit.escrow"';

const warned = ({ log }: Daemon): boolean => log.some(({ level, message }) => level === 'warn' && message === WARNING);

test('a log begun without an escrow goes on with a warning, a new incarnation is sealed, and what is no public key is refused', async () => {
  await using first = await startDaemon();
  const plain = readFileSync(first.config, 'utf8');
  const path = join(first.folder, 'escrow.pub');
  writeFileSync(first.config, `${plain}audit: { escrow: ${path} }\n`);
  const again = { keepConfig: true };
  await first.kill('SIGTERM');

  const absent = await first.again({ ...again, noWait: true });
  expect(await absent.ended).toBe(1);
  expect(absent.output()).toContain(`"audit.escrow": "${path}" cannot be read: ENOENT`);
  writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const secret = await first.again({ ...again, noWait: true });
  expect(await secret.ended).toBe(1);
  expect(secret.output()).toContain('holds a private key');

  writeFileSync(path, publicKey.export({ type: 'spki', format: 'pem' }));
  const second = await first.again(again);
  expect(warned(second)).toBe(true);
  await second.kill('SIGTERM');
  const third = await first.again({ ...again, args: ['--new-incarnation', 'SEC-3: escrow'] });
  expect(warned(third)).toBe(false);
  await third.kill('SIGTERM');
}, 60_000);
