import { getStringListFromEnv } from '@opentelemetry/core';
import {
  defaultResource,
  envDetector,
  hostDetector,
  osDetector,
  processDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
  type Resource,
  type ResourceDetector,
} from '@opentelemetry/resources';
import type { SpanAttributes } from '@tallystick/telemetry';
import {
  ATTR_IDENTITY_ENVIRONMENT,
  ATTR_IDENTITY_ID,
  ATTR_IDENTITY_OWNER_ID,
  ATTR_IDENTITY_OWNER_KIND,
  ATTR_IDENTITY_TRUST_DOMAIN,
} from '@tallystick/telemetry/names';

/** What of a process may be told: not its arguments, which people put secrets into, nor its user. */
const PROCESS_ATTRIBUTES = new Set([
  'process.pid',
  'process.executable.name',
  'process.runtime.name',
  'process.runtime.version',
]);

const discreetProcessDetector: ResourceDetector = {
  detect(config) {
    const { attributes = {} } = processDetector.detect(config);
    return {
      attributes: Object.fromEntries(Object.entries(attributes).filter(([key]) => PROCESS_ATTRIBUTES.has(key))),
    };
  },
};

/** Returns the detectors of the resource, or undefined where `OTEL_NODE_RESOURCE_DETECTORS` names them. */
export function resourceDetectors(): ResourceDetector[] | undefined {
  if (getStringListFromEnv('OTEL_NODE_RESOURCE_DETECTORS')) return undefined;
  return [envDetector, serviceInstanceIdDetector, hostDetector, osDetector, discreetProcessDetector];
}

/**
 * Returns the default resource with the identity that `known` resolves to, as asynchronous attributes: exports wait
 * for it, so it must settle soon. Without an identity they are left out.
 */
export function identityResource(known: Promise<SpanAttributes>): Resource {
  const keys = [
    ATTR_IDENTITY_ID,
    ATTR_IDENTITY_TRUST_DOMAIN,
    ATTR_IDENTITY_OWNER_ID,
    ATTR_IDENTITY_OWNER_KIND,
    ATTR_IDENTITY_ENVIRONMENT,
  ] as const;
  const attributes = keys.map((key) => [key, known.then((found) => found[key])] as const);
  return defaultResource().merge(resourceFromAttributes(Object.fromEntries(attributes)));
}
