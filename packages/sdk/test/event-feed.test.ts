import type { SidecarEvent } from '@tallystick/protocol';
import { formatEvent, HEARTBEAT, SILENCE_MS } from '@tallystick/protocol';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EventFeed } from '../src/event-feed.ts';
import { manualTime } from './manual-time.ts';

const snapshot = { type: 'snapshot', epoch: 'e1', seq: 0, state: 'active', leases: [] } as const;

/** A feed over streams that the test writes. */
function bench() {
  const time = manualTime();
  const streams: { write(text: string): Promise<void>; end(): Promise<void>; signal: AbortSignal }[] = [];
  const events: SidecarEvent[] = [];
  const lost: string[] = [];
  const feed = new EventFeed({
    runtime: { clock: time.clock, timers: time.timers, random: { bytes: () => new Uint8Array(), uniform: () => 0.5 } },
    open: async (signal) => {
      const pipe = new TransformStream<string, string>();
      const writer = pipe.writable.getWriter();
      signal.addEventListener('abort', () => void writer.abort(signal.reason).catch(() => {}));
      streams.push({
        signal,
        write: async (text) => (await writer.write(text), settled()),
        end: async () => (await writer.close(), settled()),
      });
      return pipe.readable;
    },
    onEvent: (event) => events.push(event),
    onLost: (error) => lost.push(error.code),
  });
  onTestFinished(() => feed.close());
  return { time, feed, streams, events, lost };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('DESIGN §4.7: the stream', () => {
  test('begins with a snapshot, and goes on with deltas', async () => {
    const { streams, events } = bench();
    await streams[0]!.write(formatEvent(snapshot) + HEARTBEAT);
    await streams[0]!.write(formatEvent({ type: 'revoked', seq: 1, leases: ['a'] }));
    expect(events.map(({ type }) => type)).toEqual(['snapshot', 'revoked']);
  });

  test.each([
    ['does not begin with a snapshot', [{ type: 'changed', seq: 0 }]],
    ['has a gap', [snapshot, { type: 'changed', seq: 2 }]],
    ['repeats itself', [snapshot, { type: 'changed', seq: 1 }, { type: 'changed', seq: 1 }]],
  ] as const)('a stream that %s is given up for another', async (_, given) => {
    const { streams, lost, time } = bench();
    await streams[0]!.write(given.map((event) => formatEvent(event as SidecarEvent)).join(''));
    expect(lost).toEqual(['protocol_error']);
    expect(streams[0]!.signal.aborted).toBe(true);
    time.advance(1000);
    expect(streams).toHaveLength(2);
  });

  test('is asked for again after 15 s of silence, and not while heartbeats come', async () => {
    const { streams, lost, time } = bench();
    await streams[0]!.write(formatEvent(snapshot));
    for (let i = 0; i < 10; i++) {
      time.advance(SILENCE_MS - 1);
      await streams[0]!.write(HEARTBEAT);
    }
    expect(lost).toEqual([]);
    time.advance(SILENCE_MS);
    await settled();
    expect(lost).toEqual(['sidecar_unavailable']);
    time.advance(500);
    expect(streams).toHaveLength(2);
  });

  test('is asked for with full jitter over at most 8 s, which a snapshot resets', async () => {
    const { streams, time } = bench();
    const waits: number[] = [];
    for (let i = 0; i < 7; i++) {
      await streams.at(-1)!.end();
      const before = time.clock.monotonicMs();
      while (streams.length === i + 1) time.advance(100);
      waits.push(time.clock.monotonicMs() - before);
      await settled();
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 4000, 4000, 4000]);
    await streams.at(-1)!.write(formatEvent(snapshot));
    await streams.at(-1)!.end();
    time.advance(500);
    expect(streams).toHaveLength(9);
  });

  test('is asked for at once when the sidecar has answered something else', async () => {
    const { streams, feed } = bench();
    feed.hurry();
    expect(streams).toHaveLength(1);
    await streams[0]!.end();
    feed.hurry();
    feed.hurry();
    expect(streams).toHaveLength(2);
  });

  test('tells when it was last alive', async () => {
    const { streams, feed, time } = bench();
    await streams[0]!.write(formatEvent(snapshot));
    time.advance(5000);
    await streams[0]!.write(HEARTBEAT);
    time.advance(9000);
    expect(time.clock.monotonicMs() - feed.heardAtMs).toBe(9000);
  });

  test('ends with close(): nothing is asked for, nothing waits', async () => {
    const { streams, feed, time, lost } = bench();
    await streams[0]!.write(formatEvent(snapshot));
    feed.close();
    await settled();
    expect(time.pending).toBe(0);
    expect([streams.length, lost]).toEqual([1, []]);
  });
});
