import { connectIn, type ConnectOptions } from './connect.ts';
import type { Identity } from './identity.ts';
import { systemRuntime } from './runtime.ts';

export {
  TallystickError,
  type AccessTokenCredential,
  type AwsCredential,
  type AzureCredential,
  type Binding,
  type Credential,
  type CredentialOf,
  type CredentialType,
  type DatabaseCredential,
  type Delivery,
  type ErrorCode,
  type GcpCredential,
  type Secret,
  type SecretCredential,
  type SshCredential,
  type X509Credential,
} from '@tallystick/core';
export { withBusinessProcess, type BusinessProcess } from '@tallystick/telemetry';
export type { Authorization, AuthorizeRequest } from './authorize.ts';
export type { ChannelMessages } from './channels.ts';
export type { ConnectOptions } from './connect.ts';
export type { Entitlement, Identity } from './identity.ts';
export type { Interceptor, InterceptorOptions } from './interceptor.ts';

/**
 * Returns the identity of this workload, as the sidecar recognises it. Waits for a sidecar that is not there yet.
 *
 * All who connect in one thread to the same socket as the same identity share one key and its credentials.
 *
 * @throws {TallystickError} `sidecar_unavailable` when the time is up; `socket_untrusted`, `socket_path_invalid`,
 * `platform_unsupported`; `identity_unknown`, `identity_ambiguous`, `identity_mismatch`; `config_invalid`,
 * `reply_untrusted`: the trust file, or who answers.
 */
export function connect(options?: ConnectOptions): Promise<Identity> {
  return connectIn(systemRuntime(), options);
}
