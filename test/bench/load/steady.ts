import { generateHolderKey } from '@tallystick/dpop';
import type { SteadyCommand } from './commands.ts';
import { leaseToken, nonceOf, requireToken, tokenRequest } from './token-request.ts';
import { Wire } from './wire.ts';

const CONNECTIONS = 64;
const TICK_MS = 5;

/**
 * Sends requests when they are due, or as soon after it as a connection is free; the proof is made when it is sent.
 * Resolves with the number of answers.
 */
export async function steady({ socket, perSecond, seconds }: SteadyCommand): Promise<number> {
  const key = await generateHolderKey();
  const wires = await Promise.all(Array.from({ length: CONNECTIONS }, () => Wire.open({ path: socket })));
  let nonce = await leaseToken(wires[0]!, key);
  let answered = 0;
  const ask = async (wire: Wire): Promise<void> => {
    const answer = await wire.exchange(tokenRequest(key, nonce));
    requireToken(answer);
    nonce = nonceOf(answer);
    answered++;
  };
  const { promise: over, resolve, reject } = Promise.withResolvers<void>();
  const startMs = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - startMs;
    const due = (elapsedMs / 1000) * perSecond;
    for (const wire of wires) {
      if (sent >= due) break;
      if (!wire.isFree) continue;
      sent++;
      ask(wire).catch(reject);
    }
    if (elapsedMs >= seconds * 1000) resolve();
  }, TICK_MS);
  try {
    await over;
    return answered;
  } finally {
    clearInterval(timer);
    for (const wire of wires) wire.close();
  }
}
