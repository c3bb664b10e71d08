import { readFileSync } from 'node:fs';
import { AUDIENCE } from '../daemon/daemon.ts';
import type { Keycloak } from '../servers/keycloak.ts';

/** The secret of the client `by-secret`. */
export const CLIENT_SECRET = 'canary-client-secret';
/** The federation of the page. */
export const FEDERATION = 'https://identity.acme.example';

const PAGE = readFileSync(new URL('../../sidecar/docs/providers/oauth.md', import.meta.url), 'utf8');

/** The realm `prod`, with what the page says. */
export interface Realm {
  /** Makes a request of the admin API below the realm. */
  admin<Answer = void>(method: string, path: string, body?: unknown): Promise<Answer>;
  /** The path of a client. */
  client(name: string): Promise<string>;
  /** The subject of what a client is given for itself. */
  subjectOf(client: string): Promise<string>;
  /** The id of the user that the workload is linked to. */
  user(): Promise<string>;
  /** The path of a client that has the scope `journal.write`. */
  scopeOf(client: string): Promise<string>;
  /** Lets a client's tokens have another audience. Returns what gives them their own again. */
  giveAudience(client: string, audience: string): Promise<() => Promise<void>>;
  /** The key that its tokens are signed by. */
  signingKey(): Promise<RealmKey>;
}

/** A key of a realm. */
export interface RealmKey {
  readonly kid: string;
  /** The component that makes it. */
  readonly providerId: string;
}

interface RealmKeys {
  readonly active: { readonly RS256: string };
  readonly keys: readonly RealmKey[];
}

type Named = readonly { readonly id: string; readonly name: string; readonly config: Record<string, string> }[];

/**
 * Makes what the page says, in its order: the client `close-batch` with its own keys, which may use the JWT of a workload;
 * and `close-batch-svid`, the same but for how it signs in. Then `by-secret`, of which the page has nothing.
 *
 * @param publishedAt Where the files of the federation are.
 */
export async function furnishRealm(keycloak: Keycloak, publishedAt: string): Promise<Realm> {
  const realm = realmOf(keycloak);
  const [scope, client, federation, user, grant, clientIdMapper, trustDomain, svid] = blocksOf(publishedAt);
  await realm.admin('POST', 'client-scopes', scope);
  await realm.admin('POST', 'clients', client);
  await realm.admin('POST', 'identity-provider/instances', federation);
  await realm.admin('POST', 'users', user);
  const path = await realm.client('close-batch');
  await realm.admin('PUT', path, grant);
  await realm.admin('POST', `${path}/protocol-mappers/models`, clientIdMapper);
  await realm.admin('POST', 'identity-provider/instances', trustDomain);
  await realm.admin('POST', 'clients', { ...client, clientId: 'close-batch-svid' });
  await realm.admin('PUT', await realm.client('close-batch-svid'), svid);
  await keycloak.makeClient('prod', {
    clientId: 'by-secret',
    secret: CLIENT_SECRET,
    audience: AUDIENCE,
    settings: { optionalClientScopes: ['journal.write'] },
    attributes: { 'standard.token.exchange.enabled': 'true' },
  });
  return realm;
}

/** The JSON of the page, with the addresses of the test: the issuer of the federation alone is that of the page. */
function blocksOf(publishedAt: string): Record<string, unknown>[] {
  return [...PAGE.matchAll(/```json\n([^]*?)```/g)].map(([, text]) => {
    const here = text!.replace(`${FEDERATION}/`, `${publishedAt}/`).replace('https://erp.acme.example', AUDIENCE);
    return JSON.parse(here) as Record<string, unknown>;
  });
}

function realmOf(keycloak: Keycloak): Realm {
  const admin: Realm['admin'] = (method, path, body) => keycloak.admin(method, `realms/prod/${path}`, body);
  const client: Realm['client'] = async (name) => {
    const [found] = await admin<Named>('GET', `clients?clientId=${name}`);
    return `clients/${found!.id}`;
  };
  return {
    admin,
    client,
    subjectOf: async (name) => (await admin<{ id: string }>('GET', `${await client(name)}/service-account-user`)).id,
    user: async () => (await admin<Named>('GET', 'users?username=close-batch&exact=true'))[0]!.id,
    async scopeOf(name) {
      const scope = (await admin<Named>('GET', 'client-scopes')).find((each) => each.name === 'journal.write');
      return `${await client(name)}/optional-client-scopes/${scope!.id}`;
    },
    async giveAudience(name, audience) {
      const path = `${await client(name)}/protocol-mappers/models`;
      const mapper = (await admin<Named>('GET', path)).find(({ config }) => 'included.custom.audience' in config)!;
      const put = (config: object): Promise<void> => admin('PUT', `${path}/${mapper.id}`, { ...mapper, config });
      await put({ ...mapper.config, 'included.custom.audience': audience });
      return () => put(mapper.config);
    },
    async signingKey() {
      const { active, keys } = await admin<RealmKeys>('GET', 'keys');
      return keys.find(({ kid }) => kid === active.RS256)!;
    },
  };
}
