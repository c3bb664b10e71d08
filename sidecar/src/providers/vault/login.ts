import { TallystickError } from '@tallystick/core';
import { readNamedFile } from '../../config/named-file.ts';
import { checkSubject } from '../federation/check-files.ts';
import { subjectClaims } from '../federation/federation-claims.ts';
import type { ProviderContext } from '../provider.ts';
import { SERVICE_ACCOUNT_TOKEN, type VaultSettings } from '../vault.ts';
import type { AnswerReader, GivenToken } from './answers.ts';
import type { VaultClient } from './vault-client.ts';

/** Signs in, and returns the token. */
export type Login = (signal: AbortSignal) => Promise<GivenToken>;

/** The inputs of {@link vaultLogin}. */
export interface LoginOptions {
  readonly settings: VaultSettings;
  readonly client: VaultClient;
  readonly answers: AnswerReader;
  readonly context: Pick<ProviderContext, 'name' | 'trustDomain' | 'sidecarId' | 'clock' | 'sign'>;
}

const MAX_FILE_BYTES = 65_536;

/** Returns what signs in as the configuration says. Files are read each time: others put new ones in their place. */
export function vaultLogin({ settings, client, answers, context }: LoginOptions): Login {
  const { name } = context;
  const { auth, address } = settings;
  const mount = `auth/${auth.mount ?? auth.method}`;

  const ask = async (body: object, signal: AbortSignal): Promise<GivenToken> => {
    const what = `${mount}/login`;
    return answers.token(await client.write(what, body, { token: undefined, signal }), what);
  };
  const fileText = async (key: string, path: string): Promise<string> => {
    const file = await readNamedFile(path, MAX_FILE_BYTES);
    const text = file.ok ? file.bytes.toString('utf8').trim() : '';
    if (text !== '') return text;
    throw new TallystickError(
      'upstream_login_refused',
      `"auth.${key}" of "${name}" ${file.ok ? 'names an empty file' : file.message}`,
      { remedy: file.ok ? 'let whoever writes it write it again' : file.remedy },
    );
  };
  const bySameToken = async (signal: AbortSignal): Promise<GivenToken> => {
    const token = await fileText('tokenFile', auth.tokenFile!);
    const what = 'auth/token/lookup-self';
    const data = answers.object(await client.read(what, { token, signal }), 'data', what);
    return {
      token,
      accessor: answers.text(data, 'accessor', what),
      policies: Array.isArray(data.policies) ? data.policies.filter((each) => typeof each === 'string') : [],
      ttlMs: answers.seconds(data, 'ttl', what) * 1000,
      renewable: data.renewable === true,
    };
  };
  const byMethod = async (signal: AbortSignal): Promise<GivenToken> => {
    const { role } = auth;
    switch (auth.method) {
      case 'jwt': {
        const claims = subjectClaims(checkSubject(context), auth.audience ?? address, context.clock.nowMs());
        return ask({ role, jwt: await context.sign('federation', claims) }, signal);
      }
      case 'approle': {
        const secretId = auth.secretIdFile && (await fileText('secretIdFile', auth.secretIdFile));
        return ask({ role_id: auth.roleId, ...(secretId && { secret_id: secretId }) }, signal);
      }
      case 'kubernetes':
        return ask({ role, jwt: await fileText('tokenFile', auth.tokenFile ?? SERVICE_ACCOUNT_TOKEN) }, signal);
      case 'cert':
        return ask(role === undefined ? {} : { name: role }, signal);
      case 'token':
        return bySameToken(signal);
    }
  };

  return async (signal) => {
    try {
      return await byMethod(signal);
    } catch (error) {
      if (!TallystickError.is(error)) throw error;
      const isRefused = error.code === 'upstream_denied' || error.code === 'upstream_not_found';
      throw isRefused
        ? new TallystickError('upstream_login_refused', `"${name}" refuses the login by ${mount}`)
        : error;
    }
  };
}
