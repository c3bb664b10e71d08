import { TallystickError, type Timer, type Timers } from '@tallystick/core';
import { readNamedFile } from '../../config/named-file.ts';
import { openUpstreamHttp, type UpstreamHttp, type UpstreamHttpOptions } from '../upstream-http.ts';
import type { VaultSettings } from '../vault.ts';

/** The connections to Vault, by the certificates that the files have now. */
export interface Connections {
  /** Takes what the files have, where that has changed. */
  refresh(): Promise<void>;
  current(): UpstreamHttp;
  close(): Promise<void>;
}

const MAX_FILE_BYTES = 1_048_576;
/** Calls in flight over the connections of an earlier certificate are let end for so long. */
const LINGER_MS = 30_000;

/** @param name Name of the provider. */
export function createConnections(
  name: string,
  { address, tls }: Pick<VaultSettings, 'address' | 'tls'>,
  timers: Timers,
): Connections {
  const socketPath = address.startsWith('unix:') ? address.slice('unix://'.length) : undefined;
  const lingering = new Map<UpstreamHttp, Timer>();
  let held: { readonly http: UpstreamHttp; readonly made: string } | undefined;

  const fileText = async (key: keyof typeof tls): Promise<string | undefined> => {
    const path = tls[key];
    if (path === undefined) return undefined;
    const file = await readNamedFile(path, MAX_FILE_BYTES);
    if (file.ok) return file.bytes.toString('utf8');
    throw new TallystickError('upstream_login_refused', `"tls.${key}" of "${name}" ${file.message}`, {
      remedy: file.remedy,
    });
  };
  const retire = (http: UpstreamHttp): void => {
    const timer = timers.after(LINGER_MS, () => {
      lingering.delete(http);
      void http.close();
    });
    lingering.set(http, timer);
  };

  return {
    async refresh() {
      const [ca, certificate, key] = await Promise.all([fileText('ca'), fileText('certificate'), fileText('key')]);
      const options: UpstreamHttpOptions = {
        name,
        ca,
        socketPath,
        client: certificate !== undefined && key !== undefined ? { certificate, key } : undefined,
      };
      const made = JSON.stringify(options);
      if (held?.made === made) return;
      const http = await openUpstreamHttp(options);
      if (held) retire(held.http);
      held = { http, made };
    },
    current() {
      if (!held) throw new TypeError('Vault is asked before the sidecar has signed in');
      return held.http;
    },
    async close() {
      for (const timer of lingering.values()) timer.cancel();
      await Promise.all([...lingering.keys(), ...(held ? [held.http] : [])].map((http) => http.close()));
    },
  };
}
