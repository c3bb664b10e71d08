import { isLoopbackHost } from '@tallystick/core';
import type { TextOptions } from './shape.ts';

/** Where a TCP listener binds. */
export interface ListenerAddress {
  readonly scheme: 'http' | 'https';
  /** A literal address; IPv6 without brackets. */
  readonly host: string;
  /** 0: the kernel picks one. */
  readonly port: number;
  /** True when only this machine reaches it. */
  readonly loopback: boolean;
}

export const LISTENER_URL: TextOptions = {
  is: 'the URL of a listener',
  write: 'scheme, literal address and port: http://127.0.0.1:8480',
  pattern: /^https?:\/\/([0-9]{1,3}(\.[0-9]{1,3}){3}|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}$/u,
  check: (text) => (URL.canParse(text) ? undefined : 'it is malformed'),
};

/** A value of the `Host` field: a name or literal address, with a port or for any port. */
export const HOST: TextOptions = {
  is: 'a value of Host',
  write: 'a host name, lower case, with its port where only that one is meant: tallystick.acme.example',
  pattern: /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$/u,
};

/** Returns what a URL that {@link LISTENER_URL} accepts stands for. */
export function parseListenerUrl(text: string): ListenerAddress {
  const { hostname, protocol } = new URL(text);
  return {
    scheme: protocol === 'https:' ? 'https' : 'http',
    host: hostname.replace(/^\[|\]$/g, ''),
    // `URL` hides a port that is the scheme's own.
    port: Number(text.slice(text.lastIndexOf(':') + 1)),
    loopback: isLoopbackHost(hostname),
  };
}
