import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { judgeSecretRequest, type StoredVersion } from './secrets-judge.ts';
import { judgeSigV4, type KnownKeys, type ReceivedRequest } from './sigv4-judge.ts';
import { readStsParameters, StsFault, type StsParameters } from './sts-limits.ts';
import { judgeWebIdentity, type WebIdentityProvider } from './web-identity-judge.ts';

export const REGION = 'eu-central-1';

/** A role of the account, and whom it trusts. */
export interface JudgedRole {
  /** Access key ids, and ARNs of roles, that may assume it. */
  readonly principals?: readonly string[];
  /** Subjects of web identities that may. */
  readonly subjects?: (subject: string) => boolean;
  readonly externalId?: string;
  /** What its trust policy allows besides: `sts:TagSession`, `sts:SetSourceIdentity`. Both, if nothing is said. */
  readonly allows?: readonly string[];
  /** Default: an hour. */
  readonly maxSeconds?: number;
}

/** What CloudTrail would have of a session. */
export interface JudgedSession {
  readonly accessKeyId: string;
  readonly role: string;
  readonly sessionName: string;
  readonly seconds: number;
  readonly sourceIdentity: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  /** `sub` of the web identity. */
  readonly subject: string | undefined;
  readonly policy: string | undefined;
  readonly policyArns: readonly string[];
}

/** An account of AWS, in the eyes of STS and Secrets Manager. */
export interface JudgedAccount {
  readonly keys: Map<string, KnownKeys>;
  readonly roles: Map<string, JudgedRole>;
  readonly secrets: Map<string, readonly StoredVersion[]>;
  /** Roles, and access key ids, that may read secrets. */
  readonly readers: Set<string>;
  provider: WebIdentityProvider | undefined;
}

/** STS and Secrets Manager of one region, which hold every request against the published rules. */
export interface StsJudge {
  readonly url: string;
  readonly account: JudgedAccount;
  readonly sessions: readonly JudgedSession[];
  /** `secret@access key id` of each reading. */
  readonly readings: readonly string[];
  /** Everything that was received. */
  readonly received: readonly ReceivedRequest[];
  /** What is shown to everybody, by path. */
  readonly files: Map<string, unknown>;
  /** Why requests were refused, newest last. */
  readonly refusals: readonly string[];
  /** Answers the next request in place of the judge. */
  answerNext(answer: (response: ServerResponse) => void): void;
  close(): Promise<void>;
}

/** Starts a judge on a free port of 127.0.0.1. */
export async function startStsJudge(clock: { nowMs(): number }): Promise<StsJudge> {
  const account: JudgedAccount = {
    keys: new Map(),
    roles: new Map(),
    secrets: new Map(),
    readers: new Set(),
    provider: undefined,
  };
  const sessions: JudgedSession[] = [];
  const received: ReceivedRequest[] = [];
  const refusals: string[] = [];
  const files = new Map<string, unknown>();
  const readings: string[] = [];
  const answers: ((response: ServerResponse) => void)[] = [];

  const signerOf = (request: ReceivedRequest, service: string): string => {
    const verdict = judgeSigV4(request, {
      nowMs: clock.nowMs(),
      region: REGION,
      service,
      keysOf: (id) => account.keys.get(id),
    });
    if (!verdict.ok) throw new StsFault(verdict.code, verdict.why, 403);
    return verdict.accessKeyId;
  };

  const assume = async (request: ReceivedRequest): Promise<string> => {
    if (!/^application\/x-www-form-urlencoded(;|$)/.test(request.headers['content-type'] ?? '')) {
      throw new StsFault('MalformedInput', 'no form');
    }
    const parameters = readStsParameters(request.body);
    const role = account.roles.get(parameters.role);
    const allows = role?.allows ?? ['sts:TagSession', 'sts:SetSourceIdentity'];
    let { sourceIdentity, tags } = parameters;
    let subject: string | undefined;
    let isTrusted: boolean | undefined;
    if (parameters.action === 'AssumeRole') {
      const signer = signerOf(request, 'sts');
      const base = sessions.find(({ accessKeyId }) => accessKeyId === signer);
      isTrusted = role?.principals?.includes(base?.role ?? signer) && role.externalId === parameters.externalId;
      if (base && parameters.seconds > 3600) {
        throw new StsFault('ValidationError', 'exceeds the 1 hour session limit for roles assumed by role chaining');
      }
      if (base?.sourceIdentity !== undefined && sourceIdentity !== base.sourceIdentity) isTrusted = false;
    } else {
      if (request.headers.authorization !== undefined) throw new StsFault('ValidationError', 'signed, and must not be');
      if (!account.provider) throw new StsFault('InvalidIdentityToken', 'No OpenIDConnect provider found');
      const identity = await judgeWebIdentity(parameters.token!, account.provider, clock.nowMs());
      ({ subject, sourceIdentity, tags } = identity);
      isTrusted = role?.subjects?.(subject);
    }
    if (Object.keys(tags).length > 0 && !allows.includes('sts:TagSession')) isTrusted = false;
    if (sourceIdentity !== undefined && !allows.includes('sts:SetSourceIdentity')) isTrusted = false;
    if (!isTrusted) throw new StsFault('AccessDenied', `not authorized to perform: sts:${parameters.action}`, 403);
    if (parameters.seconds > (role!.maxSeconds ?? 3600)) {
      throw new StsFault('ValidationError', 'exceeds the MaxSessionDuration set for this role');
    }
    return begin(parameters, sourceIdentity, tags, subject);
  };

  const begin = (
    { action, role, sessionName, seconds, policy, policyArns }: StsParameters,
    sourceIdentity: string | undefined,
    tags: Readonly<Record<string, string>>,
    subject: string | undefined,
  ): string => {
    const accessKeyId = `ASIA${randomBytes(8).toString('hex').toUpperCase()}`;
    const secretAccessKey = randomBytes(30).toString('base64');
    const sessionToken = randomBytes(300).toString('base64');
    const expiresAtMs = Math.floor(clock.nowMs() / 1000) * 1000 + seconds * 1000;
    account.keys.set(accessKeyId, { secretAccessKey, sessionToken, expiresAtMs });
    sessions.push({ accessKeyId, role, sessionName, seconds, sourceIdentity, tags, subject, policy, policyArns });
    const [, , , , number, name] = role.split(':');
    return [
      `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">`,
      `  <${action}Result>`,
      '    <AssumedRoleUser>',
      `      <AssumedRoleId>AROAEXAMPLEEXAMPLE:${sessionName}</AssumedRoleId>`,
      `      <Arn>arn:aws:sts::${number}:assumed-role/${name!.split('/').at(-1)}/${sessionName}</Arn>`,
      '    </AssumedRoleUser>',
      '    <Credentials>',
      `      <AccessKeyId>${accessKeyId}</AccessKeyId>`,
      `      <SecretAccessKey>${secretAccessKey}</SecretAccessKey>`,
      `      <SessionToken>${sessionToken}</SessionToken>`,
      `      <Expiration>${new Date(expiresAtMs).toISOString().replace('.000Z', 'Z')}</Expiration>`,
      '    </Credentials>',
      '    <PackedPolicySize>6</PackedPolicySize>',
      ...(sourceIdentity === undefined ? [] : [`    <SourceIdentity>${sourceIdentity}</SourceIdentity>`]),
      `  </${action}Result>`,
      '  <ResponseMetadata>',
      '    <RequestId>58c5dbae-abef-11e0-8cfe-09039844ac7d</RequestId>',
      '  </ResponseMetadata>',
      `</${action}Response>`,
    ].join('\n');
  };

  const read = (request: ReceivedRequest): string => {
    const accessKeyId = signerOf(request, 'secretsmanager');
    const role = sessions.find((session) => session.accessKeyId === accessKeyId)?.role;
    if (!account.readers.has(role ?? accessKeyId)) throw new StsFault('AccessDeniedException', 'not authorized');
    const { secret, answer } = judgeSecretRequest(request, account.secrets);
    readings.push(`${secret}@${accessKeyId}`);
    return JSON.stringify(answer);
  };

  const judge = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const request: ReceivedRequest = {
      method: incoming.method!,
      url: incoming.url!,
      headers: incoming.headers as Record<string, string>,
      body: Buffer.concat(chunks).toString('utf8'),
    };
    const file = files.get(request.url);
    if (file !== undefined) return void response.end(JSON.stringify(file));
    received.push(request);
    const answer = answers.shift();
    if (answer) return answer(response);
    const isSecret = request.headers['x-amz-target'] !== undefined;
    try {
      if (request.method !== 'POST' || request.url !== '/') throw new StsFault('InvalidAction', 'not a POST to /');
      const type = isSecret ? 'application/x-amz-json-1.1' : 'text/xml';
      const body = isSecret ? read(request) : await assume(request);
      response.writeHead(200, { 'content-type': type }).end(body);
    } catch (error) {
      if (!(error instanceof StsFault)) throw error;
      refusals.push(`${error.code}: ${error.message}`);
      response.writeHead(error.status).end(isSecret ? jsonError(error) : xmlError(error));
    }
  };

  const server = createServer((incoming, response) => void judge(incoming, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    account,
    sessions,
    readings,
    received,
    refusals,
    files,
    answerNext: (answer) => void answers.push(answer),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Returns an error as STS writes it. */
export function xmlError({ code, message }: { readonly code: string; readonly message: string }): string {
  const escaped = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error>
    <Type>Sender</Type>
    <Code>${code}</Code>
    <Message>${escaped}</Message>
  </Error>
  <RequestId>58c5dbae-abef-11e0-8cfe-09039844ac7d</RequestId>
</ErrorResponse>`;
}

function jsonError({ code, message }: StsFault): string {
  return JSON.stringify({ __type: code, Message: message });
}
