import { request } from 'node:http';
import { TallystickError, withoutBytes } from '@tallystick/core';
import { parseError } from '@tallystick/protocol';

const DEADLINE_MS = 10_000;

/** Asks the running sidecar, by its admin socket. */
export interface AdminClient {
  /** @throws {TallystickError} `sidecar_unavailable`, or what the sidecar answered. */
  get(path: string): Promise<Record<string, unknown>>;
  /** @throws As {@link AdminClient.get}. */
  post(path: string, body: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
}

/** Returns a client of the admin socket at `socketPath`. */
export function createAdminClient(socketPath: string): AdminClient {
  const call = async (method: 'GET' | 'POST', path: string, body?: string): Promise<Record<string, unknown>> => {
    const answer = await exchange(socketPath, method, path, body);
    if (answer.status !== 200) throw parseError(answer);
    return readAnswer(answer.body);
  };
  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, JSON.stringify(body)),
  };
}

function readAnswer(body: string): Record<string, unknown> {
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    throw new TallystickError('protocol_error', 'the answer of the admin socket is not JSON');
  }
}

function exchange(
  socketPath: string,
  method: string,
  path: string,
  body: string | undefined,
): Promise<{ status: number; body: string; retryAfter: string | undefined }> {
  return new Promise((resolve, reject) => {
    const headers = {
      host: 'localhost',
      connection: 'close',
      ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    const sent = request({ socketPath, method, path, headers, agent: false, timeout: DEADLINE_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: text, retryAfter: response.headers['retry-after'] }),
      );
      response.on('error', (error) => reject(unavailable(socketPath, error)));
    });
    sent.on('timeout', () => sent.destroy(new Error('it did not answer in time')));
    sent.on('error', (error) => reject(unavailable(socketPath, error)));
    sent.end(body);
  });
}

function unavailable(socketPath: string, cause: Error): TallystickError {
  const { code } = cause as NodeJS.ErrnoException;
  return new TallystickError('sidecar_unavailable', `no sidecar answers on "${socketPath}": ${code ?? 'no answer'}`, {
    remedy:
      code === 'EACCES'
        ? "run the command as root or as the sidecar's user"
        : 'start it with "tallystick run", or name its configuration with --config',
    cause: withoutBytes(cause),
  });
}
