import { amiss, type Path, type Report } from './fault.ts';
import type { FileValue } from './file-shape.ts';
import type { ListenerValue } from './listen-shape.ts';
import { parseListenerUrl } from './listener-url.ts';
import type { Draft } from './shape.ts';

/** Judges the TCP listeners. */
export function checkListeners(file: Draft<FileValue>, report: Report): void {
  const open = checkListener('public', file.listen?.public, report);
  const health = checkListener('health', file.listen?.health, report);
  if (open !== undefined && open === health && !open.endsWith(':0')) {
    amiss(report, ['listen', 'health'], 'has the address of "public"', 'give each listener a port of its own');
  }
}

/** Returns its address and port. */
function checkListener(
  name: 'public' | 'health',
  listener: Draft<ListenerValue> | undefined,
  report: Report,
): string | undefined {
  if (listener === undefined) return undefined;
  const short = typeof listener === 'string';
  const { url, certificate, key, hosts } = short
    ? { url: listener, certificate: undefined, key: undefined, hosts: undefined }
    : listener;
  if (url === undefined) return undefined;
  const at: Path = ['listen', name];
  const atUrl: Path = short ? at : [...at, 'url'];
  const address = parseListenerUrl(url);

  if (address.scheme === 'https' && (certificate === undefined || key === undefined)) {
    amiss(report, atUrl, 'is https without a certificate', 'write { url, certificate, key } with the files of both');
  }
  if (address.scheme === 'http' && (certificate !== undefined || key !== undefined)) {
    amiss(report, atUrl, 'is plain http, and a certificate is given', 'write https, or remove "certificate" and "key"');
  }
  if (name === 'public' && !address.loopback) {
    if (address.scheme === 'http') {
      amiss(
        report,
        atUrl,
        'is plain http on an address that other machines reach',
        'bind it to 127.0.0.1, or write https with "certificate" and "key"',
      );
    }
    if (hosts === undefined) {
      amiss(
        report,
        short ? at : atUrl,
        'is reached from other machines, and no "hosts" are given',
        'list the names it is called by in "hosts"',
      );
    }
  }
  return `${address.host}:${address.port}`;
}
