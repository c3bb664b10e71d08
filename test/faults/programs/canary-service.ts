// A service that prints whatever it can get hold of. It does what the lines of its standard input say, and answers
// each with one JSON line.
import { subscribe } from 'node:diagnostics_channel';
import { createInterface } from 'node:readline';
import { connect, withBusinessProcess } from '@tallystick/sdk';
import { show } from './show.ts';

/** A line of standard input. */
export interface Order {
  readonly n: number;
  readonly do: 'call' | 'credential' | 'call-with-token-in-query' | 'close';
  readonly url?: string;
  readonly credential?: string;
}

for (const channel of [
  'tallystick:credential:obtained',
  'tallystick:credential:failed',
  'tallystick:credential:dropped',
  'tallystick:request:retried',
  'tallystick:events:open',
  'tallystick:events:lost',
]) {
  subscribe(channel, (message) => show(channel, message));
}

const identity = await connect();
show('identity', identity);
process.stdout.write(`${JSON.stringify({ event: 'connected' })}\n`);

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order;
  const outcome = await withBusinessProcess({ id: 'BP-1042' }, () => obey(order)).catch((error: unknown) => {
    show('error', error);
    return (error as { code?: string }).code ?? String(error);
  });
  process.stdout.write(`${JSON.stringify({ n: order.n, outcome })}\n`);
  if (order.do === 'close') break;
}
process.stdin.destroy();

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'call': {
      const send = order.credential === undefined ? identity.fetch : identity.fetchWith(order.credential);
      const response = await send(order.url!, { method: 'POST', body: '{}' });
      show('response', response);
      return response.status;
    }
    case 'credential': {
      const credential = await identity.credential(order.credential!, 'access-token');
      show('credential', credential);
      return credential.leaseId;
    }
    case 'call-with-token-in-query': {
      // What nobody should do: the token is on the wire then, but still not in telemetry.
      const { token } = await identity.credential(order.credential!, 'access-token');
      return (await fetch(`${order.url}?access_token=${token.reveal()}`)).status;
    }
    case 'close':
      await identity.close();
      show('closed identity', identity);
      return 'closed';
  }
}
