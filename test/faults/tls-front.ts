import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import {
  alternativeNames,
  basicConstraints,
  commonName,
  extendedKeyUsage,
  signCertificate,
} from '../../sidecar/src/providers/ca/certificate.ts';

/** What ends TLS in front of a server, as a load balancer does. */
export interface TlsFront extends AsyncDisposable {
  readonly port: number;
  /** PEM of what its certificates are verified by. */
  readonly authority: string;
  /** Shows a certificate that ends at this instant from now on, to new connections: those there were are closed. */
  show(notAfterMs: number): void;
}

const DAY_MS = 86_400_000;

/** Starts one on loopback, for `name`, in front of the server at `url`. Its certificate is good for a day. */
export async function startTlsFront(name: string, url: string): Promise<TlsFront> {
  const [authorityKey, key] = [1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const issuer = commonName('acme.example');
  const certificate = (of: typeof key, notAfterMs: number, extensions: Buffer[]): string => {
    const content = { serial: Buffer.concat([Buffer.of(1), randomBytes(8)]), issuer, notAfterMs, extensions };
    const subject = of === key ? commonName(name) : issuer;
    const notBeforeMs = Date.now() - 30 * DAY_MS;
    const der = signCertificate(
      { ...content, subject, notBeforeMs, publicKey: of!.publicKey },
      authorityKey!.privateKey,
    );
    return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
  };
  const served = (notAfterMs: number): { key: string; cert: string } => ({
    key: key!.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: certificate(key, notAfterMs, [
      basicConstraints(false),
      extendedKeyUsage(['server']),
      alternativeNames(`spiffe://acme.example/${name}`, [name]),
    ]),
  });
  const sockets = new Set<Socket>();
  const { hostname, port } = new URL(url);
  const server = createServer(served(Date.now() + DAY_MS), (socket) => {
    const behind = connect(Number(port), hostname);
    sockets.add(socket).add(behind);
    socket.on('error', () => behind.destroy()).pipe(behind);
    behind.on('error', () => socket.destroy()).pipe(socket);
  });
  server.on('tlsClientError', () => {});
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    authority: certificate(authorityKey, Date.now() + DAY_MS, [basicConstraints(true)]),
    show(notAfterMs) {
      server.setSecureContext(served(notAfterMs));
      cut();
    },
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
