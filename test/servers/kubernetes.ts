import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { freePorts } from './free-ports.ts';
import { requireServer } from './require-server.ts';
import { startServerProcess, type ServerProcess } from './server-process.ts';

/** The API server of Kubernetes on an etcd: it knows service accounts, tokens and RBAC. There is no node, so no pod. */
export interface Kubernetes {
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  /** PEM of what its certificate is verified by. */
  readonly authority: string;
  /** The `iss` of the tokens it makes. */
  readonly issuer: string;
  readonly pid: number;
  /**
   * Calls the API and returns what it answers.
   *
   * @param token Default: one of an administrator who may do everything.
   * @throws {KubernetesRefusal} It answered with another status than 2xx.
   */
  call<Answer = void>(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  /** Makes a service account, and its namespace where that is new. */
  makeServiceAccount(namespace: string, name: string): Promise<void>;
  /** Returns a token of a service account, as a pod would have it projected (TokenRequest). Lives ten minutes. */
  tokenOf(namespace: string, name: string, audiences?: readonly string[]): Promise<string>;
  /** Returns such a token whose time is over since an hour: it is made by the same key, because none lives shorter. */
  expiredTokenOf(namespace: string, name: string, audiences?: readonly string[]): Promise<string>;
  /** Lets a service account ask whose token one is (TokenReview), as Vault's is let. */
  allowTokenReview(namespace: string, name: string): Promise<void>;
  /** Ends both processes and removes what they stored. */
  stop(): Promise<void>;
}

/** What the API server says no with. */
export class KubernetesRefusal extends Error {
  override readonly name = 'KubernetesRefusal';
  readonly status: number;

  constructor(status: number, what: string) {
    super(`kubernetes answered ${status} to ${what}`);
    this.status = status;
  }
}

/** Starts a Kubernetes API server of its own for the caller, on free ports of 127.0.0.1. */
export async function startKubernetes(): Promise<Kubernetes> {
  const [etcd, apiServer] = [requireServer('etcd'), requireServer('kube-apiserver')];
  const folder = await mkdtemp(join(tmpdir(), 'tallystick-kubernetes-'));
  const [port, etcdPort, peerPort] = (await freePorts(3)) as [number, number, number];
  const store = await startEtcd(etcd, join(folder, 'etcd'), etcdPort, peerPort);
  const { privateKey: signingKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const server = await startApiServer({ binary: apiServer, folder, port, etcdPort, signingKey });
  const url = `https://127.0.0.1:${port}`;
  const authority = await readFile(join(folder, 'apiserver.crt'), 'utf8');

  const call: Kubernetes['call'] = async (method, path, body, token = ADMINISTRATOR_TOKEN) =>
    callApi({ url: `${url}${path}`, method, body, token, authority });
  // It serves before all of its own roles are there, and says no more in its log.
  while (!(await isReady(call))) await setTimeout(100);
  const tokenOf: Kubernetes['tokenOf'] = async (namespace, name, audiences) => {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const { status } = await call<{ status: { token: string } }>('POST', path, {
      spec: { expirationSeconds: 600, ...(audiences && { audiences }) },
    });
    return status.token;
  };
  return {
    url,
    authority,
    issuer: ISSUER,
    pid: server.pid,
    call,
    async makeServiceAccount(namespace, name) {
      await call('POST', '/api/v1/namespaces', { metadata: { name: namespace } }).catch(unlessThere);
      await call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });
    },
    tokenOf,
    expiredTokenOf: async (...account) => shifted(await tokenOf(...account), -3600 - 600, signingKey),
    allowTokenReview: (namespace, name) =>
      call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
        metadata: { name: `${namespace}-${name}-reviews-tokens` },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:auth-delegator' },
        subjects: [{ kind: 'ServiceAccount', namespace, name }],
      }),
    async stop() {
      await server.stop();
      await store.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const ADMINISTRATOR_TOKEN = 'canary-of-the-administrator';

function startEtcd(binary: string, folder: string, port: number, peerPort: number): Promise<ServerProcess> {
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
  const options = {
    'data-dir': folder,
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `default=${peer}`,
    // Nothing here has to outlive the machine.
    'unsafe-no-fsync': 'true',
  };
  return startServerProcess(binary, flags(options), (line) => line.includes('ready to serve client requests'));
}

interface ApiServer {
  readonly binary: string;
  readonly folder: string;
  readonly port: number;
  readonly etcdPort: number;
  /** Signs the tokens of service accounts. */
  readonly signingKey: KeyObject;
}

async function startApiServer({ binary, folder, port, etcdPort, signingKey }: ApiServer): Promise<ServerProcess> {
  const [tokens, keyFile] = [join(folder, 'tokens.csv'), join(folder, 'signing.pem')];
  await writeFile(tokens, `${ADMINISTRATOR_TOKEN},administrator,administrator,system:masters\n`, { mode: 0o600 });
  await writeFile(keyFile, signingKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  const options = {
    'etcd-servers': `http://127.0.0.1:${etcdPort}`,
    'bind-address': '127.0.0.1',
    'secure-port': String(port),
    'cert-dir': folder,
    'service-account-issuer': ISSUER,
    'service-account-signing-key-file': keyFile,
    'service-account-key-file': keyFile,
    'token-auth-file': tokens,
    'authorization-mode': 'RBAC',
    'service-cluster-ip-range': '10.0.0.0/24',
    // No controller makes the default account of a namespace.
    'disable-admission-plugins': 'ServiceAccount',
  };
  return startServerProcess(binary, flags(options), (line) => line.includes('Serving securely on'));
}

function flags(options: Readonly<Record<string, string>>): string[] {
  return Object.entries(options).map(([name, value]) => `--${name}=${value}`);
}

/** Returns a token of an account as it would have been made at another time, seconds from now. */
function shifted(token: string, seconds: number, key: KeyObject): string {
  const [header, payload] = token.split('.') as [string, string];
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<'iat' | 'nbf' | 'exp', number>;
  const { iat, nbf, exp } = claims;
  const moved = { ...claims, iat: iat + seconds, nbf: nbf + seconds, exp: exp + seconds };
  const signed = `${header}.${Buffer.from(JSON.stringify(moved)).toString('base64url')}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

async function isReady(call: Kubernetes['call']): Promise<boolean> {
  try {
    await call('GET', '/readyz');
    return true;
  } catch (error) {
    if (error instanceof KubernetesRefusal) return false;
    throw error;
  }
}

/** The answer that something is there already is as good as that it was made. */
function unlessThere(error: unknown): void {
  if (!(error instanceof KubernetesRefusal) || error.status !== 409) throw error;
}

interface ApiCall {
  readonly url: string;
  readonly method: string;
  readonly body: unknown;
  readonly token: string;
  readonly authority: string;
}

/** `node:https`, because the global fetch takes no certificate authority. */
async function callApi<Answer>({ url, method, body, token, authority }: ApiCall): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const { status, answer } = await new Promise<{ status: number; answer: string }>((resolve, reject) => {
    const asked = request(url, { method, headers, ca: authority, agent: false }, (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode!, answer }), reject);
    });
    asked.once('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
  if (status < 200 || status > 299) throw new KubernetesRefusal(status, `${method} ${url}: ${answer}`);
  return (answer.startsWith('{') ? JSON.parse(answer) : undefined) as Answer;
}
