import type { SpanAttributes } from './attributes.ts';
import type { BusinessProcess } from './business-process.ts';
import type { TelemetryIdentity } from './identity.ts';
import {
  ATTR_BUSINESS_PROCESS_ID,
  ATTR_BUSINESS_PROCESS_RUN_ID,
  ATTR_BUSINESS_PROCESS_TICKET,
  ATTR_IDENTITY_ENVIRONMENT,
  ATTR_IDENTITY_ID,
  ATTR_IDENTITY_KIND,
  ATTR_IDENTITY_OWNER_ID,
  ATTR_IDENTITY_OWNER_KIND,
  ATTR_IDENTITY_TRUST_DOMAIN,
} from './names.ts';

// A span is stamped in a fraction of a microsecond because nothing is made for it.
const ofIdentity = new WeakMap<TelemetryIdentity, SpanAttributes>();
const ofProcess = new WeakMap<BusinessProcess, SpanAttributes>();

/** Returns the attributes that stand for `identity`, and for `process` where one is given. Cached by object. */
export function identityAttributes(identity: TelemetryIdentity, process?: BusinessProcess): SpanAttributes {
  let attributes = ofIdentity.get(identity);
  if (!attributes) {
    attributes = Object.freeze({
      [ATTR_IDENTITY_ID]: identity.id,
      [ATTR_IDENTITY_TRUST_DOMAIN]: identity.trustDomain,
      ...(identity.kind === undefined ? {} : { [ATTR_IDENTITY_KIND]: identity.kind }),
      [ATTR_IDENTITY_OWNER_ID]: identity.owner.id,
      [ATTR_IDENTITY_OWNER_KIND]: identity.owner.kind,
      [ATTR_IDENTITY_ENVIRONMENT]: identity.environment,
    });
    ofIdentity.set(identity, attributes);
  }
  return process ? { ...attributes, ...processAttributes(process) } : attributes;
}

/** Returns the attributes that stand for a business process. Cached by object. */
export function processAttributes(process: BusinessProcess): SpanAttributes {
  let attributes = ofProcess.get(process);
  if (!attributes) {
    const { id, runId, ticket } = process;
    attributes = Object.freeze({
      [ATTR_BUSINESS_PROCESS_ID]: id,
      ...(runId === undefined ? {} : { [ATTR_BUSINESS_PROCESS_RUN_ID]: runId }),
      ...(ticket === undefined ? {} : { [ATTR_BUSINESS_PROCESS_TICKET]: ticket }),
    });
    ofProcess.set(process, attributes);
  }
  return attributes;
}
