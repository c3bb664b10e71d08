import {
  formatDuration,
  isTrustDomain,
  parseDurationMs,
  parseSpiffeId,
  parseUsePrefix,
  TallystickError,
} from '@tallystick/core';
import { parseSelector, SELECTOR_PATTERN } from './selector.ts';
import type { TextOptions } from './shape.ts';

/** Names of sockets, credentials and providers: they stand in URLs, selectors and metric labels. */
export const NAME: TextOptions = {
  is: 'a usable name',
  write: '1 to 63 of a-z, 0-9, ".", "_" and "-", the first a letter or digit',
  pattern: /^[a-z0-9][a-z0-9._-]{0,62}$/u,
};

export const TRUST_DOMAIN: TextOptions = {
  is: 'a trust domain',
  write: 'a name such as acme.example, lower case, without a scheme or port',
  pattern: /^[a-z0-9._-]{1,255}$/u,
  check: (text) => (isTrustDomain(text) ? undefined : 'it is malformed'),
};

export const SPIFFE_ID: TextOptions = {
  is: 'a SPIFFE ID',
  write: 'spiffe://<trust domain>/<path>',
  pattern: /^spiffe:\/\/[^\s]{1,2039}$/u,
  check: (text) => {
    try {
      return parseSpiffeId(text).path === '' ? 'it names a trust domain, and no workload in it' : undefined;
    } catch (error) {
      // The description ends in the fault, after the ID itself.
      return TallystickError.is(error)
        ? error.description.slice(error.description.lastIndexOf(': ') + 2)
        : 'it is malformed';
    }
  },
};

/** An id of the organisation's directory. `@` is not in it, which keeps e-mail addresses out. */
export const DIRECTORY_ID: TextOptions = {
  is: 'an id of a directory',
  write: 'an id such as team-payments, never an e-mail address or a name of a person',
  pattern: /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/u,
};

/** Text for people. Control characters and lone surrogates would not survive logs and canonical JSON. */
export const SENTENCE: TextOptions = {
  is: 'a short text on one line',
  write: '1 to 256 characters on one line',
  pattern: /^[^\p{Cc}\p{Cs}]{1,256}$/u,
};

export const ENVIRONMENT: TextOptions = {
  is: 'the name of an environment',
  write: 'a word such as production: a-z, 0-9 and "-", at most 32',
  pattern: /^[a-z][a-z0-9-]{0,31}$/u,
};

/** What core's `isClaimText` accepts: claimed and registered business processes are compared. */
export const BUSINESS_PROCESS: TextOptions = {
  is: 'an id of a business process',
  write: 'an id such as BP-1042: 1 to 128 printable ASCII characters',
  pattern: /^[\x20-\x7e]{1,128}$/u,
};

export const DATE: TextOptions = {
  is: 'a date',
  write: 'a day as 2027-06-30, which ends at 24:00 UTC; nothing has a "never" lifetime',
  pattern: /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/u,
  check: (text) => {
    const atMs = Date.parse(`${text}T00:00:00Z`);
    const exists = !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(text);
    return exists ? undefined : 'there is no such day';
  },
};

export const SELECTOR: TextOptions = {
  is: 'a selector',
  write: 'unix:uid:N or unix:gid:N with a number, unix:path:/PATH or tallystick:socket:NAME',
  pattern: SELECTOR_PATTERN,
  check: (text) => {
    const selector = parseSelector(text);
    return typeof selector === 'string' ? selector : undefined;
  },
};

/** A host name (RFC 1123 §2.1), with one label for any other (`*.`) at the most. */
export const DNS_NAME: TextOptions = {
  is: 'a host name',
  write: 'a name such as ledger.acme.example, lower case, without a scheme or port',
  pattern: /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/u,
  check: (text) => (text.length > 253 ? 'it is longer than 253 characters' : undefined),
};

/** An absolute URI without a fragment (RFC 8707 §2). */
export const AUDIENCE: TextOptions = {
  is: 'an absolute URI',
  write: 'an absolute URI without a fragment, such as https://ledger.acme.example',
  pattern: /^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?@!$&'()*+,;=%[\]-]{1,500}$/u,
  check: (text) => (/^https?:/i.test(text) && !URL.canParse(text) ? 'it is malformed' : undefined),
};

/** RFC 6749 §3.3 */
export const SCOPE: TextOptions = {
  is: 'a list of scope values',
  write: 'scope values with one space between, such as journal.read journal.write, or "" for none',
  pattern: /^([\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*)?$/u,
};

export const USE_PREFIX: TextOptions = {
  is: 'a URL prefix',
  write: 'a URL such as https://ledger.acme.example/v1/',
  pattern: /^[Hh][Tt][Tt][Pp][Ss]?:\/\/[^\s\\]+$/u,
  check: (text) => {
    const prefix = parseUsePrefix(text);
    return typeof prefix === 'string' ? prefix : undefined;
  },
};

/** What a token needs left to be of use; a lifetime is at least twice that. */
export const TOKEN_FLOOR_MS = 1000;

/** Tokens of our issuer live at most a day. */
export const MAX_TOKEN_LIFETIME_MS = 86_400_000;

export const TOKEN_LIFETIME: TextOptions = {
  is: 'a lifetime that a token can have',
  write: `a duration from ${formatDuration(2 * TOKEN_FLOOR_MS)} to 24h, such as 15m; nothing has a "never" lifetime`,
  pattern: /^[1-9][0-9]{0,8}[smhd]$/u,
  check: (text) => {
    const ms = parseDurationMs(text) ?? Infinity;
    if (ms < 2 * TOKEN_FLOOR_MS) return `it is below twice its floor of ${formatDuration(TOKEN_FLOOR_MS)}`;
    return ms > MAX_TOKEN_LIFETIME_MS ? 'it is above 24h' : undefined;
  },
};

/** Nothing that an upstream makes is asked for a longer life. */
const MAX_LIFETIME_MS = 7 * 86_400_000;

export const LIFETIME: TextOptions = {
  is: 'a lifetime that a credential can have',
  write: 'a duration from 2s to 7d, such as 1h; nothing has a "never" lifetime',
  pattern: /^[1-9][0-9]{0,8}[smhd]$/u,
  check: (text) => {
    const ms = parseDurationMs(text) ?? Infinity;
    if (ms < 2000) return 'it is below 2s';
    return ms > MAX_LIFETIME_MS ? 'it is above 7d' : undefined;
  },
};

/** `https://` and a host, in the one form that {@link URL.origin} gives. */
export const ISSUER_URL: TextOptions = {
  is: 'the URL of an issuer',
  write: 'https and a host, and nothing after it: https://tallystick.acme.example',
  pattern: /^https:\/\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$/u,
  check: (text) => {
    if (!URL.canParse(text)) return 'it is malformed';
    const { origin } = new URL(text);
    return origin === text ? undefined : `its one form is ${origin}`;
  },
};

/** An {@link ISSUER_URL} that may have a path: several sidecars then share one host of files. */
export const FEDERATION_URL: TextOptions = {
  is: 'the URL of a federation issuer',
  write: 'https, a host and perhaps a path, without a slash at its end: https://identity.acme.example/eu-1',
  pattern: /^https:\/\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(\/[A-Za-z0-9._~-]{1,64}){0,8}$/u,
  check: (text) => {
    if (!URL.canParse(text)) return 'it is malformed';
    const { origin, pathname } = new URL(text);
    const form = pathname === '/' ? origin : origin + pathname;
    return form === text ? undefined : `its one form is ${form}`;
  },
};

/** The id of a sidecar: a ULID, because two sidecars of one id would write one log twice. */
export const SIDECAR_ID: TextOptions = {
  is: 'a ULID',
  write: 'a ULID that no other sidecar has, or remove it: one is made at the first start',
  pattern: /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/u,
};

/** A day of every year, or 29 February. */
export const DAY_OF_YEAR: TextOptions = {
  is: 'a day of the year',
  write: 'a month and a day such as "04-01"',
  pattern: /^(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$/u,
  check: (text) => {
    const [month = 0, day = 0] = text.split('-').map(Number);
    // 2024 has all days that there are.
    return new Date(Date.UTC(2024, month - 1, day)).getUTCDate() === day ? undefined : 'its month has no such day';
  },
};

/** An IANA time zone. */
export const TIME_ZONE: TextOptions = {
  is: 'a time zone',
  write: 'the name of an IANA time zone such as UTC or Europe/Berlin',
  pattern: /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/u,
  check: (text) => {
    try {
      new Intl.DateTimeFormat('en', { timeZone: text });
      return undefined;
    } catch {
      return 'it is not known here';
    }
  },
};

/** A size on a disk; {@link parseBytes} reads it. */
export const BYTES: TextOptions = {
  is: 'a size',
  write: 'a whole number of MiB or GiB, such as 512MiB',
  pattern: /^[1-9][0-9]{0,5}[MG]iB$/u,
};

/** Returns the bytes that a text of {@link BYTES} stands for. */
export function parseBytes(text: string): number {
  return Number.parseInt(text, 10) * (text.endsWith('GiB') ? 2 ** 30 : 2 ** 20);
}
