import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseReceiptLine, systemRandom, type Receipt, type ReceiptLine, type ReceiptMark } from '@tallystick/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ChannelMessages, VerifierOptions } from '../src/index.ts';
import type { ReceiptFile } from '../src/receipt-file.ts';
import { openReceipts, type ReceiptsOptions } from '../src/receipts.ts';
import { nodeRequest, openApi, proofOf, refusalOf, requestWith, type TestApi } from './api.ts';
import { eventually } from './eventually.ts';
import { AUDIENCE, ISSUER, SUBJECT } from './issuer.ts';
import { manualClock } from './manual-clock.ts';

const LEASE = 'ls_01KAMQ5Q6G0000000000000000';

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-receipts-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'receipts.jsonl');
}

async function apiWithReceipts(file: string, options: Partial<VerifierOptions> = {}): Promise<TestApi> {
  const api = await openApi({ receipts: file, ...options });
  onTestFinished(() => api.verifier.close());
  return api;
}

function linesOf(text: string): ReceiptLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(parseReceiptLine);
}

const receiptsIn = (file: string): Receipt[] =>
  linesOf(readFileSync(file, 'utf8')).filter((line): line is Receipt => line.type === 'receipt');
const marksIn = (file: string): ReceiptMark[] =>
  linesOf(readFileSync(file, 'utf8')).filter((line): line is ReceiptMark => line.type === 'mark');
const proven = ({ key, token }: TestApi): ReturnType<typeof requestWith> => requestWith(token, proofOf(key, token));

/** What is said on the channel until the test ends. */
function heard(): ChannelMessages['tallystick:receipts:lost'][] {
  const messages: ChannelMessages['tallystick:receipts:lost'][] = [];
  const listener = (message: unknown): void => void messages.push(message as (typeof messages)[number]);
  subscribe('tallystick:receipts:lost', listener);
  onTestFinished(() => void unsubscribe('tallystick:receipts:lost', listener));
  return messages;
}

describe('the receipts of an API', () => {
  test('name token, key, request and verdict, one line for requests that are alike', async () => {
    const file = scratch();
    const api = await apiWithReceipts(file);
    for (let i = 0; i < 3; i += 1) {
      await api.verifier.verify(proven(api));
      api.clock.advance(1000);
    }
    await api.verifier.close();
    expect(receiptsIn(file)).toEqual([
      {
        type: 'receipt',
        writer: expect.stringMatching(/^[0-9A-Z]{26}$/) as string,
        seq: 2,
        first: '2026-11-22T12:00:00.000Z',
        last: '2026-11-22T12:00:02.000Z',
        count: 3,
        verdict: 'accepted',
        reason: null,
        issuer: ISSUER,
        caller: SUBJECT,
        lease: LEASE,
        jti: LEASE,
        audience: AUDIENCE,
        jkt: api.key.jkt,
        method: 'GET',
        origin: AUDIENCE,
      },
    ]);
  });

  test('name the token of a refusal where its signature was good, and nothing of any other', async () => {
    const file = scratch();
    const api = await apiWithReceipts(file);
    const thief = await openApi();
    const other = await api.issuer.token(api.key.jkt, { claims: { aud: 'https://else.example', jti: 'other' } });
    await refusalOf(api.verifier, nodeRequest());
    await refusalOf(api.verifier, requestWith(`${api.token.slice(0, -6)}AAAAAA`, proofOf(api.key, api.token)));
    await refusalOf(api.verifier, requestWith(api.token, proofOf(thief.key, api.token)));
    await refusalOf(api.verifier, requestWith(other, proofOf(api.key, other)));
    const replayed = proven(api);
    await api.verifier.verify(replayed);
    await refusalOf(api.verifier, replayed);
    await api.verifier.close();
    const told = receiptsIn(file).map(({ verdict, reason, caller, jti, audience }) => [
      verdict,
      reason,
      caller,
      jti,
      audience,
    ]);
    expect(told.sort((a, b) => String(a[1]).localeCompare(String(b[1])))).toEqual([
      ['token_missing', 'no_credentials', null, null, null],
      ['accepted', null, SUBJECT, LEASE, AUDIENCE],
      ['invalid_token', 'proof_key', SUBJECT, LEASE, AUDIENCE],
      ['proof_replayed', 'proof_replayed', SUBJECT, LEASE, AUDIENCE],
      ['invalid_token', 'token_audience', SUBJECT, 'other', 'https://else.example'],
      ['invalid_token', 'token_signature', null, null, null],
    ]);
  });

  test('hold neither token nor proof nor path nor query', async () => {
    const file = scratch();
    const api = await apiWithReceipts(file);
    const request = { ...proven(api), url: '/v1/entries?key=s3cret' };
    await api.verifier.verify(request);
    await api.verifier.close();
    const text = readFileSync(file, 'utf8');
    for (const part of [api.token, api.token.split('.')[2]!, 's3cret', '/v1/entries']) expect(text).not.toContain(part);
  });

  test('are written each interval, between marks that say up to when they are whole', async () => {
    const file = scratch();
    const api = await apiWithReceipts(file);
    await eventually(() => marksIn(file).map(({ state }) => state)).toEqual(['opened', 'written']);
    await closed(file);
    await api.verifier.verify(proven(api));
    api.clock.advance(10_000);
    await eventually(() => receiptsIn(file).length).toBe(1);
    await eventually(() => marksIn(file).at(-1)).toMatchObject({
      state: 'written',
      time: '2026-11-22T12:00:10.000Z',
      audiences: [AUDIENCE],
      lost: 0,
    });
    api.clock.advance(10_000);
    await api.verifier.close();
    expect(marksIn(file).map(({ state }) => state)).toEqual(['opened', 'written', 'written', 'closed']);
    expect(linesOf(readFileSync(file, 'utf8')).map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4]);
  });

  test('go into a new file when theirs was renamed, which can be read alone', async () => {
    const file = scratch();
    const api = await apiWithReceipts(file);
    await api.verifier.verify(proven(api));
    await eventually(() => marksIn(file).length).toBe(2);
    await closed(file);
    renameSync(file, `${file}.1`);
    api.clock.advance(10_000);
    await eventually(() => statSync(file, { throwIfNoEntry: false })?.size ?? 0).toBeGreaterThan(0);
    await api.verifier.close();
    expect(marksIn(file).map(({ state }) => state)).toEqual(['continued', 'written', 'closed']);
    expect(receiptsIn(file).map(({ count }) => count)).toEqual([1]);
  });

  test('go on in the file of the run before, behind a line that it tore', async () => {
    const file = scratch();
    writeFileSync(file, '{"v":1,"type":"rec');
    const api = await apiWithReceipts(file);
    await api.verifier.close();
    const [torn, ...rest] = readFileSync(file, 'utf8').split('\n');
    expect(torn).toBe('{"v":1,"type":"rec');
    expect(linesOf(rest.join('\n')).map((line) => line.type)).toEqual(['mark', 'mark', 'mark']);
  });

  test('are in a file that others may not read, nor anybody write', async () => {
    const file = scratch();
    await (await apiWithReceipts(file)).verifier.close();
    expect(statSync(file).mode & 0o137).toBe(0);
  });

  test.each<[string, (file: string) => unknown]>([
    ['a folder', (file) => join(file, '..')],
    ['a folder that is not there', (file) => join(file, 'x', 'receipts.jsonl')],
    ['a link, which somebody may have laid', (file) => (symlinkSync(`${file}.else`, file), file)],
    ['an interval of nothing', (file) => ({ file, intervalMs: 0 })],
    ['an option that there is not', (file) => ({ file, fsync: true })],
    ['no text', () => 7],
  ])('are refused at the start for %s', async (_, receipts) => {
    const file = scratch();
    await expect(openApi({ receipts: receipts(file) as string })).rejects.toMatchObject({
      code: 'verifier_misconfigured',
    });
  });

  test('that cannot be written fail no request, are counted in the file, and told', async () => {
    const file = scratch();
    const told = heard();
    const api = await apiWithReceipts(file);
    await eventually(() => marksIn(file).length).toBe(2);
    await closed(file);
    renameSync(file, `${file}.1`);
    symlinkSync('/dev/null', file);
    await api.verifier.verify(proven(api));
    await api.verifier.verify(proven(api));
    api.clock.advance(10_000);
    await eventually(() => told.map(({ lost }) => lost)).toEqual([2]);
    expect(told[0]!.error.message).toContain(`"${file}" cannot be written: ELOOP`);
    rmSync(file);
    await api.verifier.verify(proven(api));
    await api.verifier.close();
    expect(marksIn(file).at(-1)).toMatchObject({ state: 'closed', lost: 2 });
    expect(receiptsIn(file).map(({ count }) => count)).toEqual([1]);
  });
});

/** Receipts over a file of the test. */
function receiptsOver(file: Partial<ReceiptFile>, options: Partial<ReceiptsOptions> = {}) {
  const clock = manualClock();
  const whole: ReceiptFile = {
    isEmpty: false,
    append: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
    ...file,
  };
  const receipts = openReceipts({
    openFile: () => Promise.resolve(whole),
    path: '/var/log/receipts.jsonl',
    intervalMs: 10_000,
    audiences: [AUDIENCE],
    clock,
    timers: clock,
    random: systemRandom,
    ...options,
  });
  const refuse = (origin: string): void => {
    receipts.add({ token: undefined, method: 'GET', origin, reason: 'no_credentials' });
  };
  return { receipts, clock, refuse };
}

test('an API that nobody calls says so once a minute', async () => {
  const written: string[] = [];
  const { receipts, clock } = receiptsOver({ append: (text) => Promise.resolve(void written.push(text)) });
  await eventually(() => written.length).toBe(2);
  for (let i = 1; i <= 12; i += 1) {
    clock.advance(10_000);
    await eventually(() => written.length).toBe(2 + Math.floor(i / 6));
  }
  await receipts.close();
});

describe('a disk', () => {
  test('that fills in the middle of a line costs that batch, and the next one begins on a new line', async () => {
    const told = heard();
    const written: string[] = [];
    let full = false;
    const { receipts, clock, refuse } = receiptsOver({
      append(text) {
        written.push(full ? text.slice(0, 20) : text);
        return full ? Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })) : Promise.resolve();
      },
    });
    await eventually(() => written.length).toBe(2);
    full = true;
    refuse('https://a.example');
    refuse('https://b.example');
    clock.advance(10_000);
    await eventually(() => told.map(({ lost }) => lost)).toEqual([2]);
    full = false;
    refuse('https://c.example');
    await receipts.close();
    const parsed = written
      .join('')
      .split('\n')
      .map((line) => {
        try {
          return line === '' ? undefined : parseReceiptLine(line);
        } catch {
          return 'torn';
        }
      });
    expect(parsed.filter((line) => line === 'torn')).toHaveLength(1);
    const whole = parsed.filter((line) => typeof line === 'object');
    expect(whole.map(({ type }) => type)).toEqual(['mark', 'mark', 'receipt', 'mark']);
    expect(whole.at(-1)).toMatchObject({ state: 'closed', lost: 2 });
  });

  test('that hangs holds up neither requests nor the end, and what there is no room for is counted and told', async () => {
    const told = heard();
    let appends = 0;
    const { receipts, clock, refuse } = receiptsOver(
      {
        append() {
          appends += 1;
          return new Promise(() => {});
        },
      },
      { maxKinds: 2 },
    );
    await eventually(() => appends).toBe(1);
    for (const host of ['a', 'b', 'c', 'd', 'a']) refuse(`https://${host}.example`);
    clock.advance(10_000);
    expect(told.map(({ lost, error }) => [lost, error.code])).toEqual([[2, 'state_unusable']]);
    const closed = receipts.close();
    clock.advance(5_000);
    await closed;
    expect(appends).toBe(1);
    expect(clock.waiting).toBe(0);
  });
});

/** Resolves when nothing is written to a file any more: an interval that ends before that writes nothing. */
async function closed(file: string): Promise<void> {
  const opened = (): string[] =>
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)];
      } catch {
        return [];
      }
    });
  await eventually(() => opened().includes(file)).toBe(false);
}
