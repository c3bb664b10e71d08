import type { AwsCredential, Clock } from '@tallystick/core';

/** What the AWS SDK for JavaScript v3 signs requests with: its `AwsCredentialIdentity`. */
export interface AwsSdkCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  accountId?: string;
  expiration: Date;
}

/** The part of an `Identity` that is needed here. */
export interface AwsCredentialSource {
  credential(name: string, type: 'aws'): Promise<AwsCredential>;
}

/** The SDK of AWS asks again when less than this is left (`@smithy/core`, `EXPIRATION_MS`), in milliseconds. */
const ASKED_AGAIN_MS = 300_000;
/** How long it may go on with what it has been given, in milliseconds. */
const UNASKED_MS = 60_000;

/** Returns what gives a client of AWS its credentials, each said to end so soon that the client asks again in a minute. */
export function credentialProvider(
  clock: Pick<Clock, 'nowMs'>,
  identity: AwsCredentialSource,
  name: string,
): () => Promise<AwsSdkCredentials> {
  return async () => {
    const credential = await identity.credential(name, 'aws');
    const { accessKeyId, secretAccessKey, sessionToken, accountId, expiresAt } = credential;
    // A new object each time: the SDK writes into it.
    return {
      accessKeyId,
      secretAccessKey: secretAccessKey.reveal(),
      sessionToken: sessionToken.reveal(),
      ...(accountId !== '' && { accountId }),
      expiration: new Date(Math.min(expiresAt.getTime(), clock.nowMs() + ASKED_AGAIN_MS + UNASKED_MS)),
    };
  };
}
