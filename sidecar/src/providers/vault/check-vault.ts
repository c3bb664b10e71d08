import { TallystickError } from '@tallystick/core';
import { checkSubject } from '../federation/check-files.ts';
import type { CheckFinding, ProviderContext } from '../provider.ts';
import { engineOf, type VaultSettings, type VaultWanted } from '../vault.ts';
import { capabilityFor, mayBeLeased } from './engines.ts';
import { kvPath } from './kv.ts';
import type { VaultParts } from './parts.ts';
import type { Session } from './sessions.ts';

/** Signs in, and compares what the token may do with what the credential takes. Makes nothing. */
export async function checkVault(
  parts: VaultParts,
  settings: VaultSettings,
  context: Pick<ProviderContext, 'trustDomain' | 'sidecarId'>,
  wanted: VaultWanted,
  signal: AbortSignal,
): Promise<readonly CheckFinding[]> {
  try {
    return await parts.sessions.use(0, signal, async (session) => [
      loginFinding(session),
      ...(await policyFindings(parts, session, wanted, signal)),
    ]);
  } catch (error) {
    if (!TallystickError.is(error)) throw error;
    const { code, description, remedy } = error;
    const isLogin = code === 'upstream_login_refused';
    return [
      {
        ok: false,
        what: isLogin ? 'login' : 'vault',
        message: description,
        remedy: (isLogin ? loginRemedy(settings, context) : undefined) ?? remedy,
      },
    ];
  }
}

function loginFinding({ policies, expiresAtMs }: Session): CheckFinding {
  if (policies.includes('root')) {
    const remedy = 'sign in by a role with a policy of its own, before anybody depends on it';
    return { ok: false, what: 'login', message: 'the sidecar signs in as root', remedy };
  }
  const until = expiresAtMs === Infinity ? 'without an end' : `until ${new Date(expiresAtMs).toISOString()}`;
  return { ok: true, what: 'login', message: `the token is good ${until}, with ${policies.join(', ')}` };
}

async function policyFindings(
  { client, answers, mounts }: VaultParts,
  { token }: Session,
  wanted: VaultWanted,
  signal: AbortSignal,
): Promise<readonly CheckFinding[]> {
  const call = { token, signal };
  const engine = engineOf(wanted);
  const held = mayBeLeased(engine, wanted.path);
  // Without any right below it, a mount is not told of: then the path is taken as it is written.
  const path =
    engine === 'kv'
      ? await mounts.of(wanted.path, call).then(
          (mount) => kvPath(wanted.path, mount),
          () => wanted.path,
        )
      : wanted.path;
  const needed: readonly (readonly [path: string, capability: string])[] = [
    [path, capabilityFor(engine)],
    ['auth/token/create', 'update'],
    ...(held ? HELD : []),
  ];
  const what = 'sys/capabilities-self';
  const answer = answers.object(await client.write(what, { paths: needed.map(([each]) => each) }, call), 'data', what);
  return needed.map(([each, capability]) => policyFinding(each, capability, answer[each]));
}

/** What extending and ending takes; the policy `default` has the last. */
const HELD: readonly (readonly [string, string])[] = [
  ['auth/token/renew-accessor', 'update'],
  ['auth/token/revoke-accessor', 'update'],
  ['sys/leases/renew', 'update'],
];

function policyFinding(path: string, capability: string, has: unknown): CheckFinding {
  const what = `path ${path}`;
  const isGiven = Array.isArray(has) && (has.includes(capability) || has.includes('root'));
  if (isGiven) return { ok: true, what, message: `the policy gives "${capability}"` };
  return {
    ok: false,
    what,
    message: `the policy of the sidecar lacks "${capability}"`,
    remedy: `add to the policy: path "${path}" { capabilities = ["${capability}"] }`,
  };
}

function loginRemedy(
  { auth, address }: VaultSettings,
  context: Pick<ProviderContext, 'trustDomain' | 'sidecarId'>,
): string | undefined {
  if (auth.method !== 'jwt') return undefined;
  const role = `auth/${auth.mount ?? 'jwt'}/role/${auth.role}`;
  const audience = auth.audience ?? address;
  const claims = `bound_audiences="${audience}" user_claim=sub bound_subject="${checkSubject(context)}"`;
  return `run: vault write ${role} role_type=jwt ${claims} token_policies=tallystick token_ttl=1h`;
}
