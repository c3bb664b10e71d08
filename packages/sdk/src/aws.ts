import { credentialProvider, type AwsCredentialSource, type AwsSdkCredentials } from './aws/credential-provider.ts';
import { systemRuntime } from './runtime.ts';

export type { AwsCredentialSource, AwsSdkCredentials } from './aws/credential-provider.ts';

/**
 * Returns a credential provider for clients of the AWS SDK for JavaScript v3:
 * `new S3Client({ credentials: awsCredentials(identity, 'ledger-files') })`.
 *
 * A client keeps what it was given until 5 minutes before its end. So each is said to end in 6 minutes, or with its lease
 * where that is sooner: after a minute the client asks again, and is given the same or what replaced it, from memory. What
 * was revoked, or is refused by now, is gone from the client within that minute.
 *
 * The provider rejects with the `TallystickError` of `identity.credential`.
 */
export function awsCredentials(identity: AwsCredentialSource, name: string): () => Promise<AwsSdkCredentials> {
  return credentialProvider(systemRuntime().clock, identity, name);
}
