/** The services of AWS that are asked. */
export type AwsService = 'sts' | 'secretsmanager';

/** Where each service is reached, where that is not the public endpoint of the region. */
export type AwsEndpoints = { readonly [K in AwsService]: string | undefined };

/**
 * Returns the URL of a service: the one that is configured, else that of the region. The global endpoint of STS is never
 * used: it is one region far away, and its sessions are of no use in regions that must be opted into.
 */
export function endpointOf(service: AwsService, region: string, endpoints: AwsEndpoints): string {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return endpoints[service] ?? `https://${service}.${region}.${suffix}`;
}
