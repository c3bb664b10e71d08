import type { SocketAnswer, SocketRequest, Transport } from '@tallystick/sdk/internal';
import { socketTransport } from '../../packages/sdk/src/transport.ts';

/** What a man in the middle does with what passes. By default he reads along. */
export interface Relay {
  /** Every byte that passed, both ways, but for event streams. */
  readonly passed: string[];
  /** Changes a request. */
  request: (request: SocketRequest) => SocketRequest;
  /** Changes the body of an answer that is a success. */
  answer: (request: SocketRequest, body: string) => string;
  transport(socketPath: string): Transport;
}

/** Returns a relay between a workload and its sidecar. */
export function startRelay(): Relay {
  const relay: Relay = {
    passed: [],
    request: (request) => request,
    answer: (_, body) => body,
    transport(socketPath) {
      const way = socketTransport(socketPath);
      return {
        async send(asked) {
          const request = relay.request(asked);
          const answer = await way.send(request);
          if (request.path === '/v1/events') return answer;
          const text = await answer.text();
          const told = answer.status === 200 ? relay.answer(asked, text) : text;
          relay.passed.push(JSON.stringify([asked.path, asked.headers, asked.body]), text, told);
          return { ...answer, text: async () => told } satisfies SocketAnswer;
        },
        close: () => way.close(),
      };
    },
  };
  return relay;
}
