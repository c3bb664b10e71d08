import { isSpiffeId, type Delivery, type IdentityState } from '@tallystick/core';
import { fault, readJson, readList, readObject, readOptionalText, readText, readTexts } from './read.ts';

/** A credential that an identity may have, as `GET /v1/identity` tells it. */
export interface EntitledCredential {
  readonly name: string;
  /** A credential type; one that is not known is treated as `secret`. */
  readonly type: string;
  readonly audience: string | undefined;
  readonly scope: string | undefined;
  /** URL prefixes it may be sent to. */
  readonly use: readonly string[];
  readonly binding: string;
  /** `plain`: a token of the sidecar's own issuer, asked for at `/token`. Anything else is asked for at `/v1/credentials`. */
  readonly delivery: Delivery;
  /**
   * `run`: a token is for one claimed run of a business process alone, and the workload keeps one for each. Otherwise
   * it is shared by all that this holder does. One that is not known counts as `run`, a missing one as `process`.
   */
  readonly attribution: 'identity' | 'process' | 'run';
  /**
   * The name of the certificate that its tokens are bound to (RFC 8705 §3), instead of to the key that asks. Undefined of
   * all else.
   */
  readonly certificate?: string | undefined;
}

/** What `GET /v1/identity` answers: who the caller is, and what it may have. */
export interface IdentityDocument {
  readonly id: string;
  readonly owner: { readonly id: string; readonly kind: string };
  readonly environment: string;
  /** The business processes it is registered for. */
  readonly processes: readonly string[];
  /** `active`, `suspended` or `expired`; one that is not known is as good as suspended. */
  readonly state: IdentityState;
  /** `prompt`: cached credentials may not be used after 60 s without an event stream. */
  readonly revocable: 'exp' | 'prompt';
  readonly credentials: readonly EntitledCredential[];
}

/**
 * Reads the answer of `GET /v1/identity`.
 *
 * @throws {TallystickError} `protocol_error`
 */
export function parseIdentityDocument(body: string): IdentityDocument {
  const what = 'identity document';
  const members = readJson(body, what);
  const owner = readObject(members.owner, what);
  const id = readText(members, 'id', what);
  if (!isSpiffeId(id)) throw fault(what, 'has an "id" that is not a SPIFFE ID');
  return {
    id,
    owner: { id: readText(owner, 'id', what), kind: readText(owner, 'kind', what) },
    environment: readText(members, 'environment', what),
    processes: readTexts(members, 'processes', what),
    state: parseState(readText(members, 'state', what)),
    revocable: members.revocable === 'exp' ? 'exp' : 'prompt',
    credentials: readList(members, 'credentials', what, (item) => {
      const credential = readObject(item, what);
      const type = readText(credential, 'type', what);
      return {
        name: readText(credential, 'name', what),
        type,
        audience: readOptionalText(credential, 'audience', what),
        scope: readOptionalText(credential, 'scope', what),
        use: readTexts(credential, 'use', what),
        binding: readText(credential, 'binding', what),
        delivery: parseDelivery(readOptionalText(credential, 'delivery', what), type),
        attribution: parseAttribution(readOptionalText(credential, 'attribution', what)),
        certificate: readOptionalText(credential, 'certificate', what),
      };
    }),
  };
}

/** Returns the state that `text` stands for: what is not known may not be used. */
export function parseState(text: string): IdentityState {
  return text === 'active' || text === 'expired' ? text : 'suspended';
}

/** A sidecar that does not say has tokens of its own alone. */
function parseDelivery(text: string | undefined, type: string): Delivery {
  return type === 'access-token' && (text === undefined || text === 'plain') ? 'plain' : 'sealed';
}

function parseAttribution(text: string | undefined): EntitledCredential['attribution'] {
  if (text === undefined) return 'process';
  return text === 'identity' || text === 'process' ? text : 'run';
}
