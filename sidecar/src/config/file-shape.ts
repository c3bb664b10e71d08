import { ANCHORS, REPLICA } from './anchor-shape.ts';
import { CREDENTIAL } from './credential-shape.ts';
import { ABSOLUTE_PATH } from './file-path.ts';
import { IDENTITY } from './identity-shape.ts';
import { LISTEN } from './listen-shape.ts';
import { defaulted, object, optional, required } from './object-shape.ts';
import { choice, constant, either, flag, integer, list, map, text, type TypeOf } from './shape.ts';
import { PROVIDERS } from './upstream-shape.ts';
import { BYTES, DAY_OF_YEAR, FEDERATION_URL, ISSUER_URL, NAME, SIDECAR_ID, TIME_ZONE, TRUST_DOMAIN } from './texts.ts';

/** The format of configuration files that this version reads. */
export const FILE_VERSION = 1;

/**
 * What a configuration may ask of the sidecar with `requires`. A name is added with each feature that a
 * configuration can depend on, so that an older version refuses it in words.
 */
export const FEATURES = ['issuer', 'introspection', 'revocations', 'anchors', 'federation'] as const;

const STATE = object({
  keys: required(text(ABSOLUTE_PATH), 'Folder of the private keys.', '/var/lib/tallystick/keys'),
  leases: required(
    text(ABSOLUTE_PATH),
    'Folder of what must survive a restart: leases, suspensions, revocations.',
    '/var/lib/tallystick/leases',
  ),
  audit: required(text(ABSOLUTE_PATH), 'Folder of the record.', '/var/lib/tallystick/audit'),
});

/** The whole file. */
export const FILE = object({
  version: required(constant(FILE_VERSION), 'The version of this format.', '1'),
  requires: defaulted(
    list(choice(FEATURES), { distinct: true }),
    [],
    'Features that this file depends on: a sidecar that lacks one refuses the file in words.',
  ),
  trustDomain: required(text(TRUST_DOMAIN), 'The trust domain of every identity in this file.', 'acme.example'),
  state: required(
    either(text(ABSOLUTE_PATH), STATE),
    'Folder for all state, or { keys, leases, audit }. Nobody but the sidecar may read it.',
    '/var/lib/tallystick',
  ),
  listen: required(LISTEN, 'Where the sidecar listens.', '{ workload: …, admin: … }'),
  issuer: required(
    object({
      url: required(
        text(ISSUER_URL),
        'The "iss" of every token. A name, not an address: nothing needs to listen there.',
        'https://tallystick.acme.example',
      ),
      signer: defaulted(choice(['local']), 'local', 'Who signs: "local" keeps the keys in the state folder.'),
    }),
    'The built-in issuer of tokens.',
    '{ url: https://tallystick.acme.example }',
  ),
  federation: optional(
    object({
      url: required(
        text(FEDERATION_URL),
        'The "iss" of what clouds and vaults trust, and where they read the files of "tallystick issuer publish".',
        'https://identity.acme.example',
      ),
    }),
    'The issuer that upstreams trust, apart from the one of tokens.',
  ),
  sidecar: optional(
    object({
      id: optional(text(SIDECAR_ID), 'The id of this sidecar. Default: made at the first start and kept in state.'),
    }),
    'This sidecar.',
  ),
  fleet: optional(
    object({
      size: defaulted(
        integer({ min: 1, max: 1_000_000 }),
        1,
        'How many sidecars share the upstreams: it splays their retries.',
      ),
    }),
    'The sidecars that share this configuration.',
  ),
  audit: optional(
    object({
      durability: defaulted(
        choice(['node', 'none']),
        'node',
        'What the records of production identities must outlive: the machine ("node"), or nothing ("none"): then "state.audit" may be in memory.',
      ),
      localMax: optional(
        text(BYTES),
        'How much the logs may take here. Default: 256MiB in memory; on a disk, all but 1 GiB of it.',
      ),
      fiscalYearStart: defaulted(
        text(DAY_OF_YEAR),
        '01-01',
        'The day on which a year of the books begins. The record is cut into shards by these years.',
      ),
      zone: defaulted(text(TIME_ZONE), 'UTC', 'The IANA time zone in which that day begins.'),
      anchors: optional(ANCHORS, 'How heads of the record become known outside of this machine.'),
      replica: optional(REPLICA, 'Where a copy of the record is kept.'),
      hold: defaulted(
        flag(),
        false,
        'A legal hold: no closed shard is deleted here for space, even if the replica has all of it.',
      ),
      escrow: optional(
        text(ABSOLUTE_PATH),
        'File of an RSA public key, PEM: the key of fingerprints is sealed to it, so that a leaked secret is found when this machine is gone.',
      ),
    }),
    'The record.',
  ),
  shutdown: optional(
    object({
      revoke: defaulted(
        choice(['idle', 'always', 'never']),
        'idle',
        'Which leases end when the sidecar stops: those without a live holder, all, or none.',
      ),
    }),
    'What happens when the sidecar stops.',
  ),
  identities: defaulted(list(IDENTITY), [], 'Who may ask. A workload that matches none is refused.'),
  providers: defaulted(PROVIDERS, new Map(), 'Upstreams by name, beside the built-in "issuer".'),
  credentials: defaulted(map(NAME, CREDENTIAL), new Map(), 'Credentials by name, which identities are entitled to.'),
});

export type FileValue = TypeOf<typeof FILE>;
