/** What an API answered to a request of a thief. */
export interface Verdict {
  readonly status: number;
  /** The `error` of `WWW-Authenticate`; empty when there is none. */
  readonly error: string;
  /** Its `error_description`. */
  readonly description: string;
}

/** Posts a journal entry with whatever headers one has. */
export async function post(ledger: string, headers: Readonly<Record<string, string>>): Promise<Verdict> {
  const response = await fetch(`${ledger}/journal`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"number":666}',
  });
  await response.arrayBuffer();
  const challenge = response.headers.get('www-authenticate') ?? '';
  const member = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? '';
  return { status: response.status, error: member('error'), description: member('error_description') };
}

/** Returns a verdict as a line. */
export function say({ status, error, description }: Verdict): string {
  return [status, error, description && `(${description})`].filter(Boolean).join(' ');
}
