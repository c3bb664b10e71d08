import { posix } from 'node:path';
import { isLoopbackHost } from '@tallystick/core';
import { isWithin } from './file-path.ts';
import { warnMatches } from './match-warnings.ts';
import { warnOwners } from './owner-warnings.ts';
import type { Caution, WarningInput } from './warning.ts';

const DAY_MS = 86_400_000;
const SOON_MS = 30 * DAY_MS;
const LATE_MS = 2 * 365 * DAY_MS;
const SHORT_LIFETIME_MS = 60_000;

/** Returns what is probably not meant in a configuration that has no mistake. Pure. */
export function cautionsOf(input: WarningInput): readonly Caution[] {
  return [
    ...warnIdentities(input),
    ...warnMatches(input),
    ...warnSockets(input),
    ...warnCredentials(input),
    ...warnOwners(input),
  ];
}

function* warnIdentities({ config, at, nowMs }: WarningInput): Generator<Caution> {
  if (config.identities.length === 0) {
    yield {
      code: 'no_identity',
      path: [],
      message: 'the file has no identity: every workload is refused',
      remedy: 'add one to "identities"',
    };
  }
  for (const identity of config.identities) {
    const path = [...at(identity), 'expires'];
    const leftMs = Date.parse(`${identity.expires}T00:00:00Z`) + DAY_MS - nowMs;
    const remedy = 'let its owner review it, and set the next date';
    if (leftMs <= 0)
      yield { code: 'identity_expired', path, message: `${identity.id} has expired: it gets nothing`, remedy };
    else if (leftMs <= SOON_MS) {
      const days = Math.ceil(leftMs / DAY_MS);
      yield {
        code: 'identity_expires_soon',
        path,
        message: `${identity.id} expires in ${days === 1 ? '1 day' : `${days} days`}`,
        remedy,
      };
    } else if (leftMs > LATE_MS) {
      yield {
        code: 'identity_expires_late',
        path,
        message: `${identity.id} expires in more than two years`,
        remedy: 'set a date by which its owner looks at it again',
      };
    }
  }
}

function* warnSockets({ config }: WarningInput): Generator<Caution> {
  const { workload, health } = config.listen;
  for (const [i, socket] of workload.entries()) {
    const folder = posix.dirname(socket.path);
    const other = workload.find((each) => each !== socket && isWithin(folder, posix.dirname(each.path)));
    if (other && (posix.dirname(other.path) !== folder || workload.indexOf(other) < i)) {
      yield {
        code: 'socket_folder_shared',
        path: ['listen', 'workload', i, 'path'],
        message: `the socket "${socket.name}" lies in the folder of "${other.name}": who is given that folder can use both`,
        remedy: 'give each socket a folder of its own',
      };
    }
  }
  if (health && !health.tls && !isLoopbackHost(health.host)) {
    yield {
      code: 'health_exposed',
      path: ['listen', 'health'],
      message: '"health" is reached from other machines: they can read the metrics',
      remedy: 'bind it to 127.0.0.1, or let a network policy keep others away',
    };
  }
}

function* warnCredentials({ config }: WarningInput): Generator<Caution> {
  const used = new Set([
    ...config.identities.flatMap(({ entitlements }) => entitlements.map(({ credential }) => credential)),
    ...Array.from(config.providers.values(), ({ kind, settings }) => kind.signsInWith?.(settings)?.credential),
  ]);
  for (const { name, type, lifetimeMs, use } of config.credentials.values()) {
    const path = ['credentials', name];
    if (!used.has(name)) {
      yield {
        code: 'credential_unused',
        path,
        message: `no identity is entitled to "${name}"`,
        remedy: 'add it to the "entitlements" of one, or remove it',
      };
    }
    // Other types are no tokens, which the SDK would send somewhere.
    if (type === 'access-token' && use.length === 0) {
      yield {
        code: 'credential_without_use',
        path,
        message: `"${name}" has no "use" prefix: the SDK sends it nowhere`,
        remedy: 'add the URL of the API to "use"',
      };
    }
    if (lifetimeMs < SHORT_LIFETIME_MS) {
      yield {
        code: 'lifetime_short',
        path: [...path, 'lifetime'],
        message: `"${name}" lives for less than a minute: calls fail as soon as the sidecar is away for half of that`,
        remedy: 'leave it at 15m, unless this is a demonstration',
      };
    }
  }
}
