import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../sidecar/test/listen/temporary-folder.ts';
import { manualTime, type ManualTime } from '../../sidecar/test/manual-time.ts';
import { inMemory, openedCa, OWN_ROOTS } from '../../sidecar/test/providers/ca/opened-ca.ts';
import { describeWithServers, requireServer } from '../servers/require-server.ts';

describeWithServers(['openssl'], 'certificates of the built-in authority, judged by openssl', () => {
  test('verify in its strict mode, as what they are for', async () => {
    const { mint } = await openedCa(OWN_ROOTS, inMemory(), timeOfNow());
    const { certificate, authorities } = await mint();
    expect(verify(certificate, authorities, '-purpose', 'sslclient')).toContain('OK');
    expect(verify(certificate, authorities, '-purpose', 'sslserver')).toContain('OK');
    expect(() => verify(certificate, authorities, '-purpose', 'crlsign')).toThrow('verification failed');
  });

  test('verify through an authority that was given, which is read anew when it was replaced', async () => {
    const files = makeAuthority('one');
    const given = await openedCa({ type: 'ca', ...files }, inMemory(), timeOfNow());
    const { certificate, authorities } = await given.mint();
    expect(verify(certificate, authorities, '-untrusted', join(files.folder, 'ca.pem'))).toContain('OK');
    makeAuthority('two', files.folder);
    expect(new X509Certificate((await given.mint()).certificate).issuer).toBe('CN=two');
  });
});

function timeOfNow(): ManualTime {
  const time = manualTime();
  time.jump(Date.now() - time.nowMs());
  return time;
}

function verify(certificate: string, authorities: string, ...options: readonly string[]): string {
  const folder = temporaryFolder();
  const [leaf, roots] = [join(folder, 'leaf.pem'), join(folder, 'roots.pem')];
  writeFileSync(leaf, certificate);
  writeFileSync(roots, authorities);
  return openssl('verify', '-x509_strict', ...options, '-CAfile', roots, leaf);
}

/** An intermediate authority on P-384 under a root on P-256. */
function makeAuthority(name: string, folder = temporaryFolder()) {
  const at = (file: string): string => join(folder, file);
  writeFileSync(
    at('ca.cnf'),
    'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n',
  );
  const key = (curve: string): string[] => ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${curve}`, '-nodes'];
  const root = ['-x509', '-addext', 'keyUsage=critical,keyCertSign', '-days', '3000', '-subj', `/CN=${name} root`];
  openssl('req', ...root, ...key('P-256'), '-keyout', at('root.key'), '-out', at('root.pem'));
  openssl('req', ...key('P-384'), '-subj', `/CN=${name}`, '-keyout', at('ca.key'), '-out', at('ca.csr'));
  const issuer = ['-CA', at('root.pem'), '-CAkey', at('root.key'), '-CAcreateserial', '-days', '2000'];
  openssl('x509', '-req', '-in', at('ca.csr'), ...issuer, '-extfile', at('ca.cnf'), '-out', at('ca.pem'));
  return { folder, certificate: at('ca.pem'), key: at('ca.key'), authorities: at('root.pem') };
}

function openssl(...args: readonly string[]): string {
  return execFileSync(requireServer('openssl'), args, { stdio: 'pipe' }).toString();
}
