import { systemRandom, TallystickError } from '@tallystick/core';
import { createProof, generateHolderKey, type ProofRequest } from '@tallystick/dpop';
import { onTestFinished } from 'vitest';
import { noSecrets } from '../contract-context.ts';
import { oauthKind, type OauthSettings, type OauthWanted } from '../../../src/providers/oauth.ts';
import type { Made, MintOrder, Provider, ProviderContext } from '../../../src/providers/provider.ts';
import { UpstreamProofRequired } from '../../../src/providers/upstream-proof-required.ts';
import { identity } from '../../acme.ts';
import { manualTime, type ManualTime } from '../../manual-time.ts';
import { memoryLog } from '../../memory-log.ts';
import { authorizationServer, type AuthorizationServer } from './authorization-server.ts';

/** A provider of an authorization server that runs beside it, and the key of a workload for that server. */
export interface OpenedOauth {
  readonly server: AuthorizationServer;
  readonly provider: Provider<OauthWanted>;
  readonly time: ManualTime;
  /** Thumbprint of the workload's key for this server. */
  readonly jkt: string;
  order(members?: Partial<MintOrder<OauthWanted>>): MintOrder<OauthWanted>;
  prove(members?: Partial<ProofRequest>): string;
  /** Mints as a workload does: without a proof first, then with one as it is asked for, at most `rounds` times. */
  mint(members?: Partial<MintOrder<OauthWanted>>, rounds?: number): Promise<Made>;
  /** The code with which minting is refused. */
  refusal(members?: Partial<MintOrder<OauthWanted>>): Promise<TallystickError>;
}

export const LEDGER = 'https://ledger.acme.example';

export function wanted(members: Partial<OauthWanted> = {}): OauthWanted {
  return {
    provider: 'sso',
    lifetime: undefined,
    use: [],
    attribution: 'process',
    grant: 'client_credentials',
    client: undefined,
    audience: LEDGER,
    indicator: undefined,
    scope: 'journal.read journal.write',
    ...members,
  };
}

export interface OpenOptions {
  readonly settings?: (server: AuthorizationServer) => Partial<OauthSettings>;
  readonly openid?: boolean;
  readonly time?: ManualTime;
  /** Members of the context that it is opened with. */
  readonly context?: Partial<ProviderContext>;
}

export async function openedOauth({
  settings,
  openid = false,
  time = manualTime(),
  context,
}: OpenOptions = {}): Promise<OpenedOauth> {
  const server = await authorizationServer({ clock: time, openid });
  onTestFinished(() => server.close());
  const key = await generateHolderKey();
  const provider = await oauthKind.open(
    {
      type: 'oauth',
      issuer: server.issuer,
      tokenEndpoint: undefined,
      ca: undefined,
      client: { id: 'close-batch', authentication: 'private_key_jwt', secret: undefined, secretFile: undefined },
      ...settings?.(server),
    },
    { ...contextOf(server, time), ...context },
  );
  onTestFinished(() => provider.close());

  let orders = 0;
  const order: OpenedOauth['order'] = (members) => ({
    leaseId: `ls_${String(orders++).padStart(26, '0')}`,
    name: 'erp-api',
    wanted: wanted(),
    scope: ['journal.read', 'journal.write'],
    lifetimeMs: 3_600_000,
    identity: identity('close-batch'),
    process: undefined,
    applicant: { jkt: 'the-key-that-asks-the-sidecar' },
    keep: async () => {},
    signal: new AbortController().signal,
    ...members,
  });
  const prove: OpenedOauth['prove'] = (members) =>
    createProof(key, { method: 'POST', url: server.tokenEndpoint, iat: time.nowMs() / 1000, ...members });
  const mint: OpenedOauth['mint'] = async (members, rounds = 2) => {
    let made = order(members);
    for (let round = 0; ; round++) {
      try {
        await provider.requireApplicant!(made);
        return await provider.mint(made);
      } catch (error) {
        if (!(error instanceof UpstreamProofRequired) || round === rounds) throw error;
        const upstreamProof = prove({ url: error.htu, nonce: error.nonce });
        made = order({ ...members, applicant: { ...made.applicant, upstreamProof } });
      }
    }
  };
  const refusal: OpenedOauth['refusal'] = async (members) => {
    const error: unknown = await mint(members).then(
      () => new Error('it was granted'),
      (thrown: unknown) => thrown,
    );
    if (!TallystickError.is(error)) throw error;
    return error;
  };
  return { server, provider, time, jkt: key.jkt, order, prove, mint, refusal };
}

export function contextOf(server: AuthorizationServer, time: ManualTime): ProviderContext {
  return {
    name: 'sso',
    trustDomain: 'acme.example',
    sidecarId: '01J00000000000000000000000',
    clock: time,
    timers: time,
    random: systemRandom,
    log: memoryLog(),
    sign: server.sign,
    ownSecrets: noSecrets,
    memory: { read: async () => undefined, write: async () => {} },
  };
}
