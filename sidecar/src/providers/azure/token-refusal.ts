import { TallystickError } from '@tallystick/core';
import { refusalOf, type UpstreamAnswer } from '../upstream-http.ts';

/** Who was refused, for the remedy. */
export interface Refused {
  readonly client: string;
  /** The JWT that it was to be recognised by. */
  readonly assertion: string;
}

/** Numbers of Entra's errors (`AADSTS…`), by what they tell. */
const NO_FEDERATED_CREDENTIAL = [70021, 700213, 7002137, 7002138];
const OTHER_ISSUER_OR_AUDIENCE = [700211, 700212];
const NO_APPLICATION = [700016, 90002, 900023, 7000229];
const NO_RESOURCE = [500011, 70011, 1002012, 650057];
const NO_CONSENT = [65001, 501051, 53003];

/** Returns the error that a refusal of Entra stands for. Its numbers are read, and nothing else of its body. */
export function tokenRefusal(name: string, refused: Refused, answer: UpstreamAnswer, nowMs: number): TallystickError {
  if (answer.status !== 400 && answer.status !== 401 && answer.status !== 403) {
    return refusalOf(name, 'the token request', answer, nowMs);
  }
  const { client } = refused;
  const { sub: subject, iss: issuer } = claimsOf(refused.assertion);
  const numbers = numbersOf(answer);
  const is = (known: readonly number[]): boolean => numbers.some((number) => known.includes(number));
  const said = `"${name}" refused ${client}`;
  if (is(NO_FEDERATED_CREDENTIAL)) {
    return new TallystickError('upstream_denied', `${said}: it has no federated credential for ${subject}`, {
      remedy: federatedCredentialCommand(client, issuer, subject),
    });
  }
  if (is(OTHER_ISSUER_OR_AUDIENCE)) {
    return new TallystickError('upstream_login_refused', `${said}: its federated credentials name another issuer`, {
      remedy: `let their issuer be ${issuer}, and their audience api://AzureADTokenExchange`,
    });
  }
  if (is(NO_APPLICATION)) {
    return new TallystickError('upstream_login_refused', `${said}: there is no such application in the tenant`, {
      remedy: `correct "tenant" and "client"; the application needs a service principal: az ad sp create --id ${client}`,
    });
  }
  if (is(NO_RESOURCE)) {
    return new TallystickError('upstream_not_found', `${said}: the resource of its scope is not in the tenant`, {
      remedy: 'correct "scope", or add the service principal of the resource to the tenant',
    });
  }
  if (is(NO_CONSENT)) {
    return new TallystickError('upstream_denied', `${said}: it has no role at the resource`, {
      remedy: `give it an app role and the consent of an administrator: az ad app permission admin-consent --id ${client}`,
    });
  }
  if (numbers.includes(90033)) return new TallystickError('upstream_unavailable', `"${name}" is away for a moment`);
  return new TallystickError('upstream_login_refused', `${said}: it does not take our JWT`, {
    remedy: 'publish the keys again ("tallystick issuer publish"), and set the clock of this machine',
  });
}

/** Returns the command that makes an application trust an identity. */
function federatedCredentialCommand(client: string, issuer: string, subject: string): string {
  const name = subject
    .replace(/^spiffe:\/\//, '')
    .replaceAll(/[^A-Za-z0-9-]/g, '-')
    .slice(0, 120);
  const parameters = { name, issuer, subject, audiences: ['api://AzureADTokenExchange'] };
  return `az ad app federated-credential create --id ${client} --parameters '${JSON.stringify(parameters)}'`;
}

function claimsOf(jwt: string): { readonly iss: string; readonly sub: string } {
  return JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString('utf8')) as { iss: string; sub: string };
}

function numbersOf({ text }: UpstreamAnswer): readonly number[] {
  try {
    const numbers = (JSON.parse(text) as { error_codes?: unknown } | null)?.error_codes;
    return Array.isArray(numbers) ? numbers.filter((number) => typeof number === 'number') : [];
  } catch {
    return [];
  }
}
