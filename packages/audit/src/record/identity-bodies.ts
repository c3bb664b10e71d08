import { change, digest, identityObject, operator, owner, spiffeText, takingAway } from './values.ts';
import { flag, integer, object } from './shape.ts';

const whole = { change, identity: spiffeText, object: identityObject };

/** Bodies of the records of the registry: always the whole object, so that what was in force is known from the log. */
export const IDENTITY_BODIES = {
  /** That an identity is in the registry as a shard begins; nothing happened to it. */
  'identity.listed': object({ identity: spiffeText, object: identityObject, suspended: flag, v: integer(1) }),
  'identity.registered': object({ ...whole, v: integer(1) }),
  /** `previous` is the digest of the object before. */
  'identity.updated': object({ ...whole, previous: digest, v: integer(1) }),
  /** As an update, where who answers for the identity has changed. `from` is the owner before. */
  'identity.owner_changed': object({
    change,
    from: owner,
    identity: spiffeText,
    object: identityObject,
    previous: digest,
    v: integer(1),
  }),
  /** `object` is the last one. */
  'identity.retired': object({ ...whole, v: integer(1) }),
  'identity.suspended': object({
    change,
    ...takingAway,
    identity: spiffeText,
    object: identityObject,
    operator,
    v: integer(1),
  }),
  'identity.resumed': object({ ...whole, operator, v: integer(1) }),
} as const;
