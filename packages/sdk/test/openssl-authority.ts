import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Making } from './fake-replies.ts';

/** A folder that goes with the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'sdk-certificates-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** Returns a certificate authority by openssl, which signs what the sidecar is sent. */
export function openssl(): (csr: Buffer) => string {
  const dir = folder();
  const run = (...args: string[]): void => void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  run(
    ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca'.split(
      ' ',
    ),
  );
  return (csr) => {
    writeFileSync(join(dir, 'csr.der'), csr);
    run(...'req -inform DER -in csr.der -verify -noout'.split(' '));
    const signing = 'x509 -req -inform DER -in csr.der -CA ca.pem -CAkey ca.key -days 1 -out cert.pem';
    run(...signing.split(' '));
    return execFileSync('cat', ['cert.pem', 'ca.pem'], { cwd: dir }).toString();
  };
}

/** Returns a certificate as an upstream gives it. */
export function x509(certificate: string): Making {
  return { material: { certificate, authorities: 'CA', serial: '0a' }, binding: 'mtls' };
}
