import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, onTestFinished, test } from 'vitest';
import type { ChannelMessages } from '../src/index.ts';
import { nodeRequest, openApi, proofOf, refusalOf, requestWith } from './api.ts';

type Refused = ChannelMessages['tallystick:request:refused'];

function refusals(): Refused['error'][] {
  const heard: Refused['error'][] = [];
  const hear = (message: unknown): void => void heard.push((message as Refused).error);
  subscribe('tallystick:request:refused', hear);
  onTestFinished(() => void unsubscribe('tallystick:request:refused', hear));
  return heard;
}

test('every refusal is told to whoever listens, with the check that failed; what is accepted is not', async () => {
  const heard = refusals();
  const { verifier, key, token } = await openApi();
  const caller = await verifier.verify(requestWith(token, proofOf(key, token)));
  expect(heard).toEqual([]);
  const missing = await refusalOf(verifier, nodeRequest());
  expect(() => verifier.requireScope(caller, ['audit.read'])).toThrow();
  expect(heard.map(({ reason }) => reason)).toEqual(['no_credentials', 'scope']);
  expect(heard[0]).toBe(missing);
});

test('what was out of reach is told with its cause, which the answer does not have', async () => {
  const heard = refusals();
  const cause = new Error('connect ECONNREFUSED 10.0.0.7:6379');
  const { verifier, key, token } = await openApi({ replayStore: { reserve: () => Promise.reject(cause) } });
  const { body } = await refusalOf(verifier, requestWith(token, proofOf(key, token)));
  expect(heard).toMatchObject([{ code: 'replay_store_unavailable', cause }]);
  expect(body).not.toContain('ECONNREFUSED');
});
