import { defaulted, object, optional, required } from './object-shape.ts';
import { choice, either, list, nullable, text, type TypeOf } from './shape.ts';
import {
  AUDIENCE,
  BUSINESS_PROCESS,
  DATE,
  DIRECTORY_ID,
  ENVIRONMENT,
  NAME,
  SCOPE,
  SELECTOR,
  SENTENCE,
  SPIFFE_ID,
} from './texts.ts';

const OWNER = object({
  id: required(text(DIRECTORY_ID), 'The id in the directory.', 'team-payments'),
  kind: defaulted(choice(['team', 'role', 'person']), 'team', 'What the id stands for.'),
  accountable: defaulted(
    nullable(text(DIRECTORY_ID)),
    null,
    'The role or person accountable when the owner is a team; null when nobody is named.',
  ),
});

const ENTITLEMENT = object({
  credential: required(text(NAME), 'A name under "credentials".', 'ledger-api'),
  scope: optional(text(SCOPE), "Narrows the credential's scope for this identity. Default: the credential's own."),
  minAssurance: defaulted(
    choice(['socket', 'process'], ['platform']),
    'socket',
    'How sure the sidecar must be of the workload: "process" wants its process seen, not only its socket.',
  ),
});

const SELECTORS = list(text(SELECTOR), { min: 1, distinct: true });

/** One item of `identities`. */
export const IDENTITY = object(
  {
    id: required(text(SPIFFE_ID), 'SPIFFE ID, in the trust domain.', 'spiffe://acme.example/payments/close-batch'),
    kind: defaulted(choice(['workload', 'service', 'ai_agent', 'ci_job', 'device']), 'workload', 'What it is.'),
    owner: required(
      either(text(DIRECTORY_ID), OWNER),
      'Who answers for it: the id of a team, or { id, kind, accountable }.',
      'team-payments',
    ),
    backupOwner: optional(text(DIRECTORY_ID), 'Who answers for it when the owner is gone.'),
    purpose: required(text(SENTENCE), 'What it is for, in a few words.', 'posts the month-end journal'),
    environment: required(text(ENVIRONMENT), 'Where it runs.', 'production'),
    businessProcesses: defaulted(
      list(text(BUSINESS_PROCESS), { distinct: true }),
      [],
      'Ids of the business processes it works for; claims of others are recorded as a mismatch.',
    ),
    expires: required(text(DATE), 'Its last day, which ends at 24:00 UTC. After it, it gets nothing.', '2027-06-30'),
    match: optional(SELECTORS, 'Selectors that must all hold of the workload.'),
    matchAny: optional(list(SELECTORS, { min: 1 }), 'Alternatives: lists of selectors, one of which must hold whole.'),
    revocable: defaulted(
      choice(['exp', 'prompt']),
      'exp',
      'How soon its workload stops using a revoked credential it holds: at its end, or within a minute.',
    ),
    receives: defaulted(
      list(text(AUDIENCE), { distinct: true }),
      [],
      'Audiences it is the API of: it may introspect tokens for them.',
    ),
    entitlements: defaulted(
      list(either(text(NAME), ENTITLEMENT)),
      [],
      'Credentials it may have: names, or { credential, scope, minAssurance }. None: it gets nothing.',
    ),
  },
  { exactlyOne: ['match', 'matchAny'] },
);

export type IdentityValue = TypeOf<typeof IDENTITY>;
export type EntitlementValue = IdentityValue['entitlements'][number];
