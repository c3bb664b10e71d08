// A service that speaks with AWS by AWS's own clients: it takes a call on each line, and prints what came of it.
import { createInterface } from 'node:readline';
import type { AwsSdkCredentials } from '@tallystick/sdk/aws';

/** One line of its input. */
export interface AwsCall {
  readonly id: number;
  readonly service: 'sts' | 'secretsmanager';
  /** `GetCallerIdentity` */
  readonly command: string;
  readonly input: object;
  readonly endpoint: string;
  readonly region: string;
  /** Keys, or the name of a credential of the sidecar's. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | string;
  /** How far the clock is moved from the real one, milliseconds. */
  readonly movedMs?: number;
}

/** One line of its output. */
export interface AwsResult {
  readonly id: number;
  readonly result?: Readonly<Record<string, unknown>>;
  /** `name` or `code` of what was thrown. */
  readonly error?: string;
  /** How often clients have asked for the credential so far. */
  readonly asked: number;
}

let movedMs = 0;
const realNow = Date.now.bind(Date);
// Before the others are loaded: they keep the function.
Date.now = () => realNow() + movedMs;

const [sts, secretsManager, { connect }, { awsCredentials }] = await Promise.all([
  import('@aws-sdk/client-sts'),
  import('@aws-sdk/client-secrets-manager'),
  import('@tallystick/sdk'),
  import('@tallystick/sdk/aws'),
]);

type Send = (command: object) => Promise<Readonly<Record<string, unknown>>>;

let asked = 0;
const clients = new Map<string, Send>();

async function providerOf(name: string): Promise<() => Promise<AwsSdkCredentials>> {
  const give = awsCredentials(await connect(), name);
  return () => {
    asked++;
    return give();
  };
}

async function clientOf({ service, endpoint, region, credentials }: AwsCall): Promise<Send> {
  const key = JSON.stringify([service, credentials]);
  const known = clients.get(key);
  if (known) return known;
  const config = {
    endpoint,
    region,
    maxAttempts: 1,
    credentials: typeof credentials === 'string' ? await providerOf(credentials) : credentials,
  };
  const client = service === 'sts' ? new sts.STSClient(config) : new secretsManager.SecretsManagerClient(config);
  // The two take commands of their own alone; the test says which.
  const send = client.send.bind(client) as unknown as Send;
  clients.set(key, send);
  return send;
}

async function answer(call: AwsCall): Promise<AwsResult> {
  movedMs = call.movedMs ?? 0;
  try {
    const send = await clientOf(call);
    const commands = { ...sts, ...secretsManager } as unknown as Record<string, new (input: object) => object>;
    const result = await send(new commands[`${call.command}Command`]!(call.input));
    return { id: call.id, result, asked };
  } catch (error) {
    const { code, name } = error as { code?: string; name: string };
    return { id: call.id, error: code ?? name, asked };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as AwsCall))}\n`);
}
