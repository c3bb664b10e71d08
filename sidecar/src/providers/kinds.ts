import { awsKind } from './aws.ts';
import { caKind } from './ca.ts';
import { oauthKind } from './oauth.ts';
import type { ProviderKind } from './provider.ts';

/** The types of upstream. A new one is a file, and a line here. */
export const PROVIDER_KINDS: readonly ProviderKind[] = [awsKind, caKind, oauthKind];
