import type { Clock } from '@tallystick/core';
import type { AccessToken } from './access-token.ts';
import { exchange, parseJson } from './exchange.ts';
import { Fault } from './fault.ts';
import type { IssuerSettings } from './trusted-issuer.ts';

/** Asks an issuer whether a token is still good. */
export interface Introspector {
  /**
   * Returns undefined while an earlier answer holds, else a promise of the next one. A token is asked about once at a
   * time.
   *
   * @param text The token itself.
   * @throws {Fault} `token_inactive`, `introspection_unavailable`
   */
  check(token: AccessToken, text: string): void | Promise<void>;
}

/** The inputs of {@link createIntrospector}. */
export interface IntrospectorOptions {
  readonly settings: NonNullable<IssuerSettings['introspection']>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 65_536;

/** Returns an introspector that keeps good answers for a while, and no bad ones. */
export function createIntrospector({ settings, clock }: IntrospectorOptions): Introspector {
  const activeUntilMs = new WeakMap<AccessToken, number>();
  const asking = new WeakMap<AccessToken, Promise<void>>();

  async function ask(token: AccessToken, text: string): Promise<void> {
    judgeAnswer(await requestIntrospection(settings, text), token);
    activeUntilMs.set(token, clock.monotonicMs() + settings.cacheMs);
  }

  return {
    check(token, text) {
      if (clock.monotonicMs() < (activeUntilMs.get(token) ?? Number.NEGATIVE_INFINITY)) return undefined;
      let answer = asking.get(token);
      if (!answer) {
        answer = ask(token, text).finally(() => asking.delete(token));
        asking.set(token, answer);
      }
      return answer;
    },
  };
}

async function requestIntrospection(
  { location, authorization }: IntrospectorOptions['settings'],
  token: string,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    const { status, body } = await exchange(location, {
      accept: 'application/json',
      maxBytes: MAX_BYTES,
      timeoutMs: TIMEOUT_MS,
      form: new URLSearchParams({ token, token_type_hint: 'access_token' }),
      authorization: await authorization?.(),
    });
    if (status !== 200) throw new Error(`the answer has status ${status}`);
    const answer = parseJson(body) as Record<string, unknown> | null;
    if (typeof answer !== 'object' || answer === null) throw new Error('the answer is not a JSON object');
    return answer;
  } catch (cause) {
    throw new Fault('introspection_unavailable', 'the issuer cannot be asked about the token at present', cause);
  }
}

/** Judges an answer (RFC 7662 §2.2): it must be about this token, as bound as it is (RFC 9449 §6.2). */
function judgeAnswer(answer: Readonly<Record<string, unknown>>, { caller }: AccessToken): void {
  const { active, cnf, iss, sub } = answer;
  const bound = cnf as Record<string, unknown> | null | undefined;
  const isSame =
    bound?.jkt === caller.jkt &&
    bound?.['x5t#S256'] === caller.x5t &&
    (iss === undefined || iss === caller.issuer) &&
    (sub === undefined || sub === caller.identity);
  if (active !== true || !isSame) throw new Fault('token_inactive', 'the issuer no longer stands by the token');
}
