import {
  request as httpRequest,
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { request as httpsRequest } from 'node:https';

/** How one attempt to hand a batch to the collector ended. */
export type Outcome =
  /** The collector has it. */
  | { readonly kind: 'accepted' }
  /** The collector does not want it; another attempt would end the same. */
  | { readonly kind: 'refused' }
  /** It may work later: the collector is away, or asks to wait `afterMs`. */
  | { readonly kind: 'later'; readonly afterMs: number | undefined };

/** One request to the collector. */
export interface Shipment {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly agent: Agent | undefined;
  readonly timeoutMs: number;
}

/** Statuses that OTLP/HTTP calls retryable (OTLP 1.x, "Failures"). */
const RETRYABLE = new Set([429, 502, 503, 504]);

/**
 * Sends a batch to the collector. It does not keep the program alive: whoever wants to wait for it must do that.
 * Rejects only when there can be no such request, as with a header that Node refuses.
 */
export function send({ url, headers, body, agent, timeoutMs }: Shipment): Promise<Outcome> {
  return new Promise((resolve) => {
    const options: RequestOptions = { method: 'POST', headers: { ...headers, 'content-length': body.length }, agent };
    const start = url.startsWith('https:') ? httpsRequest : httpRequest;
    const request: ClientRequest = start(url, options, (response) => {
      response.resume();
      response.on('close', () => resolve(outcomeOf(response)));
    });
    request.on('socket', (socket) => socket.unref());
    request.setTimeout(timeoutMs, () => request.destroy(new Error('no answer in time')));
    // After an answer this changes nothing: the promise has been resolved.
    request.on('error', () => resolve({ kind: 'later', afterMs: undefined }));
    request.end(body);
  });
}

function outcomeOf({ statusCode = 0, headers }: IncomingMessage): Outcome {
  if (statusCode >= 200 && statusCode < 300) return { kind: 'accepted' };
  if (!RETRYABLE.has(statusCode)) return { kind: 'refused' };
  const seconds = Number(headers['retry-after']);
  return { kind: 'later', afterMs: seconds > 0 ? seconds * 1000 : undefined };
}
