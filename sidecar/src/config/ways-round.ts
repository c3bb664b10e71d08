import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from './environment.ts';

/** Something by which a process gets credentials without the sidecar: no record, no owner, no end. */
export interface WayRound {
  /** The name of a variable, or the path of a file: never what is in it. */
  readonly name: string;
  readonly remedy: string;
}

const REMOVE_VARIABLE =
  'take the variable out of the workload’s environment, and what it names out of its image or secret';

/** Variables that SDKs of clouds, vaults and databases take credentials from. */
export const CREDENTIAL_VARIABLES: readonly string[] = [
  'AWS_ACCESS_KEY_ID',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AZURE_CLIENT_SECRET',
  'AZURE_FEDERATED_TOKEN_FILE',
  'BAO_TOKEN',
  'GOOGLE_APPLICATION_CREDENTIALS',
  'IDENTITY_ENDPOINT',
  'PGPASSWORD',
  'VAULT_TOKEN',
];

/** Files that they take them from. */
const FILES: readonly { readonly path: string; readonly remedy: string }[] = [
  {
    path: '/var/run/secrets/kubernetes.io/serviceaccount/token',
    remedy: 'set "automountServiceAccountToken: false" on the pod: it speaks to the API server as the service account',
  },
  {
    path: '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token',
    remedy: 'remove the pod identity association of the service account',
  },
  { path: '~/.aws/credentials', remedy: 'remove the file' },
  { path: '~/.config/gcloud/application_default_credentials.json', remedy: 'remove the file' },
  { path: '~/.vault-token', remedy: 'remove the file, and revoke the token' },
  { path: '~/.pgpass', remedy: 'remove the file' },
];

/** Returns the ways round the sidecar that a process here has: with this environment, as this user. */
export async function waysRound({
  home,
  otherCredentials,
}: Pick<Environment, 'home' | 'otherCredentials'>): Promise<WayRound[]> {
  const files = await Promise.all(
    FILES.map(async ({ path, remedy }) => {
      const name = path.startsWith('~/') ? home && join(home, path.slice(2)) : path;
      return name !== undefined && (await isThere(name)) ? [{ name, remedy }] : [];
    }),
  );
  return [...otherCredentials.map((name) => ({ name, remedy: REMOVE_VARIABLE })), ...files.flat()];
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
