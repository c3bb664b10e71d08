import type { Clock, Random, Timers } from '@tallystick/core';
import { createIntrospector, type Introspector } from './introspection.ts';
import { createKeySource, fixedKeys, type KeySource } from './key-source.ts';
import { createRevocationFeed, type RevocationFeed } from './revocation-feed.ts';
import type { IssuerSettings } from './trusted-issuer.ts';

/** A trusted issuer at work. */
export interface Issuer {
  readonly settings: IssuerSettings;
  readonly keys: KeySource;
  readonly revocations: RevocationFeed | undefined;
  readonly introspector: Introspector | undefined;
}

/** What issuers share. */
export interface IssuerParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** For how long the last good keys are gone by, in milliseconds. */
  readonly maxKeyAgeMs: number;
}

/** Returns the issuer at work: its revocation list is read from now on. */
export function openIssuer(settings: IssuerSettings, { clock, timers, random, maxKeyAgeMs }: IssuerParts): Issuer {
  const { issuer, revocations, introspection } = settings;
  const keys =
    'fixed' in settings.keys
      ? fixedKeys(settings.keys.fixed)
      : createKeySource({ issuer, location: settings.keys.location, clock, random, maxAgeMs: maxKeyAgeMs });
  return {
    settings,
    keys,
    revocations: revocations && createRevocationFeed({ issuer, keys, settings: revocations, clock, timers }),
    introspector: introspection && createIntrospector({ settings: introspection, clock }),
  };
}
