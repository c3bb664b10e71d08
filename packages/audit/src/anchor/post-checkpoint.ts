import type { Timers } from '@tallystick/core';
import { AnchorError } from './anchor-error.ts';
import type { RawAnswer } from './witness-answer.ts';

/** The inputs of {@link postCheckpoint}. */
export interface PostCheckpointOptions {
  /** Name of the witness, for messages. */
  readonly name: string;
  /** The submission prefix of the witness. */
  readonly url: string;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly fetch: typeof globalThis.fetch;
  readonly timers: Timers;
  /** For head and body of the answer together. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** No answer of a witness is longer: of a longer one nothing is believed. */
const MAX_ANSWER_BYTES = 16 * 1024;

/**
 * Sends one `add-checkpoint` request (tlog-witness, add-checkpoint) and returns the answer, read up to a bound. It never
 * follows a redirection.
 *
 * @throws {AnchorError} `witness_unreachable`, `witness_slow`, or `witness_answer`: it is too long.
 */
export async function postCheckpoint(options: PostCheckpointOptions): Promise<RawAnswer> {
  const { name, url, body, fetch, timers, timeoutMs, signal } = options;
  const deadline = new AbortController();
  const timer = timers.after(timeoutMs, () => deadline.abort());
  const signals = signal ? [deadline.signal, signal] : [deadline.signal];
  try {
    const response = await fetch(`${url.replace(/\/$/, '')}/add-checkpoint`, {
      method: 'POST',
      body,
      redirect: 'error',
      signal: AbortSignal.any(signals),
    });
    const type = response.headers.get('content-type') ?? '';
    return { status: response.status, type, body: await readBounded(response, name) };
  } catch (error) {
    if (error instanceof AnchorError) throw error;
    if (signal?.aborted) throw signal.reason;
    if (deadline.signal.aborted) {
      throw new AnchorError('witness_slow', `the witness ${name} has not answered within ${timeoutMs} ms`);
    }
    throw new AnchorError('witness_unreachable', `the witness ${name} could not be asked`, reasonOf(error));
  } finally {
    timer.cancel();
  }
}

/** Returns why a request failed, in the words of this side: what `fetch` throws holds bytes that the other one sent. */
function reasonOf(error: unknown): Error {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { message, code } = inner as NodeJS.ErrnoException;
  return Object.assign(new Error(message), code !== undefined && { code });
}

async function readBounded(response: Response, name: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early cancels the rest of the body.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES)
      throw new AnchorError('witness_answer', `the answer of the witness ${name} is too long`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
