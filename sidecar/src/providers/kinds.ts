import { awsKind } from './aws.ts';
import { azureKind } from './azure.ts';
import { caKind } from './ca.ts';
import { gcpKind } from './gcp.ts';
import { oauthKind } from './oauth.ts';
import type { ProviderKind } from './provider.ts';
import { vaultKind } from './vault.ts';

/** The types of upstream. A new one is a file, and a line here. */
export const PROVIDER_KINDS: readonly ProviderKind[] = [awsKind, azureKind, caKind, gcpKind, oauthKind, vaultKind];
