import { setTimeout as passed } from 'node:timers/promises';
import { leaseId, systemClock, systemRandom, TallystickError, type ErrorCode } from '@tallystick/core';
import { readMaterial } from '@tallystick/protocol';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { CredentialTraits, Made, MintOrder, Provider } from '../../src/providers/provider.ts';
import { identity } from '../acme.ts';
import { contractContext, type ContractContext } from './contract-context.ts';
import { contractRow, type ContractCase } from './contract-row.ts';
import { startFaultProxy, type FaultProxy, type Weather } from './fault-proxy.ts';
import { readAll, secretsOf, textOf } from './secrets-of.ts';
import type { Subject } from './subject.ts';

/** Stands in every body that the weather puts in the place of an answer. */
const CANARY = 'canary-of-a-strange-body';
const LIFETIME_MS = 120_000;
const LOGIN_PAGE = `<!doctype html><title>Sign in</title><form action=/login>${CANARY}</form>`;

const garbage: Readonly<Record<string, Weather>> = {
  'an HTML page': { kind: 'answer', status: 200, headers: { 'content-type': 'text/html' }, body: LOGIN_PAGE },
  'JSON without members': { kind: 'answer', status: 200, body: '{}' },
  'JSON of another kind': { kind: 'answer', status: 200, body: `["${CANARY}"]` },
  'a login page elsewhere': {
    kind: 'answer',
    status: 302,
    headers: { location: `https://login.acme.example/?state=${CANARY}` },
    body: LOGIN_PAGE,
  },
};

/**
 * Every rule that a provider keeps, held against one credential of one provider. What it asks stands at a real server,
 * or at a strict imitation; the weather is made by a proxy between. A row of the table "provider x case" is printed.
 */
export function providerContract(subject: Subject): void {
  describe(`the contract of providers: ${subject.title}`, () => {
    const row = contractRow(subject.title);
    const seen: unknown[] = [];
    const secrets = new Set<string>();
    const opened: { readonly provider: Provider; readonly context: ContractContext }[] = [];
    let proxy: FaultProxy;
    let settings: unknown;
    let wanted: unknown;
    let traits: CredentialTraits;

    beforeAll(async () => {
      proxy = await startFaultProxy(await subject.serverUrl());
      settings = readAll(subject.kind.settings, await subject.settings(proxy.url));
      wanted = readAll(subject.kind.credential, { provider: 'upstream', ...subject.credential });
      subject.kind.judge?.(wanted, settings, [], (fault) => expect(fault).toBeUndefined());
      traits = subject.kind.describe(wanted, settings);
    });
    afterAll(async () => {
      await Promise.all(opened.map(({ provider }) => provider.close()));
      await proxy.stop();
      row.print();
    });

    const open = async (): Promise<Provider> => {
      const context = contractContext(subject);
      const provider = await subject.kind.open(settings, context);
      opened.push({ provider, context });
      return provider;
    };
    const order = async (members: Partial<MintOrder> = {}): Promise<MintOrder> => ({
      leaseId: leaseId(systemClock, systemRandom),
      name: 'contract',
      wanted,
      scope: traits.scope ?? [],
      lifetimeMs: LIFETIME_MS,
      identity: identity('payments/close-batch'),
      process: { id: 'BP-1042', run: undefined },
      applicant: { jkt: 'N-7G6PhAzHoGiAYpHyhvTR_uYOUbG8DZpSKXnYrTVhg', ...(await subject.applicant?.()) },
      keep: async () => {},
      signal: AbortSignal.timeout(15_000),
      ...members,
    });
    const mint = async (provider: Provider, members?: Partial<MintOrder>): Promise<Made> => {
      const asked = await order(members);
      await provider.requireApplicant?.(asked);
      const made = await provider.mint(asked);
      for (const secret of secretsOf(made.material)) secrets.add(secret);
      return made;
    };
    const refused = async (call: Promise<unknown>): Promise<TallystickError> => {
      const error = await call.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      seen.push(error);
      if (!TallystickError.is(error)) throw new Error('the call did not end in an error of ours', { cause: error });
      return error;
    };
    /** How many requests the first credential takes, and which of them makes it. */
    const course = async (): Promise<{ readonly length: number; readonly making: number }> => {
      proxy.set({ kind: 'fair' });
      await mint(await open());
      const making = proxy.requests.findIndex((request) => subject.makes(request));
      expect(making).toBeGreaterThanOrEqual(0);
      return { length: making + 1, making };
    };
    /** Gives each request of a first credential this weather in turn. It is refused, or was not needed. */
    const eachRequest = async (
      weather: Weather,
      codes: readonly ErrorCode[],
      judge: (error: TallystickError) => void = () => {},
    ): Promise<void> => {
      const { length, making } = await course();
      for (let after = 0; after < length; after++) {
        const provider = await open();
        proxy.set(weather, after);
        const outcome = await mint(provider).catch((error: unknown) => error);
        if (!(outcome instanceof Error)) {
          expect(after, 'a credential was made by an answer that is none').not.toBe(making);
          continue;
        }
        const error = await refused(Promise.reject(outcome));
        expect(codes, `request ${after + 1}: ${error.message}`).toContain(error.code);
        judge(error);
        proxy.set({ kind: 'fair' });
        await expect(mint(provider), 'it comes back by itself').resolves.toBeDefined();
        await provider.close();
      }
    };

    const rule = (name: ContractCase, title: string, run: () => Promise<void>, without?: () => Promise<void>): void => {
      const reason = subject.cannot[name];
      const full = reason === undefined ? title : `${name}: not with this one, because ${reason}`;
      test(full, { timeout: 60_000 }, async () => {
        proxy.set({ kind: 'fair' });
        row.begin(name);
        await (reason === undefined ? run : without)?.();
        row.end(name, reason);
      });
    };

    rule('mint', 'makes what its configuration says, and promises no more than was asked for', async () => {
      const beforeMs = systemClock.nowMs();
      const made = await mint(await open());
      expect(readMaterial(traits.type, made.material, 'the material')).toEqual(made.material);
      expect(made.expiresAtMs).toBeGreaterThan(beforeMs);
      expect(made.expiresAtMs).toBeLessThanOrEqual(systemClock.nowMs() + LIFETIME_MS);
      if (made.renewableUntilMs !== undefined) expect(made.renewableUntilMs).toBeGreaterThanOrEqual(made.expiresAtMs);
      if (subject.accepted) expect(await subject.accepted(made)).toBe(true);
    });

    rule('lease id', 'leaves the lease id in the records of the upstream', async () => {
      const id = leaseId(systemClock, systemRandom);
      const made = await mint(await open(), { leaseId: id });
      expect(await subject.namesLease!(id, made)).toBe(true);
    });

    rule(
      'keep',
      'makes nothing until what ends it is durable',
      async () => {
        const disk = new TallystickError('state_unusable', 'the disk is full');
        const keep = vi.fn<MintOrder['keep']>().mockRejectedValue(disk);
        const provider = await open();
        proxy.set({ kind: 'fair' });
        expect(await refused(mint(provider, { keep }))).toBe(disk);
        expect(proxy.requests.filter((request) => subject.makes(request))).toEqual([]);
        expect(keep).toHaveBeenCalledOnce();
      },
      async () => {
        const keep = vi.fn<MintOrder['keep']>();
        await mint(await open(), { keep });
        expect(keep).not.toHaveBeenCalled();
      },
    );

    rule(
      'session',
      'signs in once for all who ask at once, and not again for those who ask later',
      async () => {
        const provider = await open();
        proxy.set({ kind: 'fair' });
        await Promise.all([mint(provider), mint(provider), mint(provider)]);
        await mint(provider);
        expect(proxy.requests.filter((request) => subject.signsIn!(request))).toHaveLength(1);
      },
      async () => expect(subject.signsIn).toBeUndefined(),
    );

    rule(
      'renew',
      'extends what it made, and says that what has ended cannot be',
      async () => {
        const provider = await open();
        const asked = await order({ lifetimeMs: LIFETIME_MS / 2 });
        const made = await provider.mint(asked);
        expect(made.renewableUntilMs).toBeGreaterThan(made.expiresAtMs);
        const renewal = { ...asked, lifetimeMs: LIFETIME_MS };
        const renewed = await provider.renew!(made.handle!, renewal);
        expect(renewed.expiresAtMs).toBeGreaterThan(made.expiresAtMs);
        expect(renewed.expiresAtMs).toBeLessThanOrEqual(systemClock.nowMs() + LIFETIME_MS);
        await provider.end!(made.handle!, asked.signal);
        expect(await refused(provider.renew!(made.handle!, renewal))).toMatchObject({ code: 'upstream_not_found' });
      },
      async () => expect((await mint(await open())).renewableUntilMs).toBeUndefined(),
    );

    rule(
      'rotate',
      'makes another one when it is asked again',
      async () => {
        const provider = await open();
        const [one, other] = [await mint(provider), await mint(provider)];
        expect(textOf(other.material)).not.toBe(textOf(one.material));
      },
      async () => {
        const provider = await open();
        expect((await mint(provider)).material).toEqual((await mint(provider)).material);
      },
    );

    rule(
      'revoke',
      'ends what it made, and all that was made with it, once',
      async () => {
        const provider = await open();
        const signal = AbortSignal.timeout(15_000);
        const keep = vi.fn<MintOrder['keep']>().mockResolvedValue();
        const made = await mint(provider, { keep });
        expect(await provider.end!(made.handle!, signal)).toBe('revoked');
        if (subject.accepted) await vi.waitUntil(async () => !(await subject.accepted!(made)), { timeout: 10_000 });
        expect(await provider.end!(made.handle!, signal)).toBe('not_found');
        // What is found after a crash is what was kept.
        for (const [handle] of keep.mock.calls) expect(await provider.end!(handle, signal)).toBe('not_found');
      },
      async () => expect((await mint(await open())).handle).toBeUndefined(),
    );

    rule('denial', 'says that it is denied, and makes what it is allowed again', async () => {
      const provider = await open();
      const allow = await subject.deny();
      try {
        expect(await refused(mint(provider))).toMatchObject({ code: subject.deniedAs ?? 'upstream_denied' });
      } finally {
        await allow();
      }
      await expect(mint(provider)).resolves.toBeDefined();
    });

    rule(
      'outage',
      'says that its upstream is away at whichever request that is, and comes back by itself',
      async () => {
        await eachRequest({ kind: 'away' }, ['upstream_unavailable']);
        const provider = await open();
        const asked = await order();
        const made = await provider.mint(asked);
        proxy.set({ kind: 'away' });
        const unavailable = { code: 'upstream_unavailable' };
        if (made.renewableUntilMs !== undefined)
          expect(await refused(provider.renew!(made.handle!, asked))).toMatchObject(unavailable);
        if (made.handle !== undefined)
          expect(await refused(provider.end!(made.handle, asked.signal))).toMatchObject(unavailable);
      },
    );

    rule('half', 'takes no half of an answer', () => eachRequest({ kind: 'half' }, ['upstream_unavailable']));

    rule('slowness', 'stops waiting for any answer when its caller does', async () => {
      const { length } = await course();
      for (let after = 0; after < length; after++) {
        const provider = await open();
        proxy.set({ kind: 'silent' }, after);
        const caller = new AbortController();
        const deadline = new TallystickError('upstream_unavailable', 'the deadline has passed');
        const call = refused(mint(provider, { signal: caller.signal }));
        await proxy.hit();
        caller.abort(deadline);
        expect(await call).toBe(deadline);
        proxy.set({ kind: 'fair' });
        await provider.close();
      }
    });

    rule('garbage', 'takes nothing for an answer that is none', async () => {
      for (const weather of Object.values(garbage)) {
        await eachRequest(weather, ['upstream_answer_invalid', 'upstream_unavailable']);
      }
    });

    rule('oversize', 'reads no answer of 10 MB to its end', () =>
      eachRequest({ kind: 'answer', status: 200, body: `{"${CANARY}":"${'x'.repeat(10_000_000)}"}` }, [
        'upstream_answer_invalid',
      ]),
    );

    rule('rate limit', 'passes on how long the upstream wants to be left alone', async () => {
      const weather: Weather = { kind: 'answer', status: 429, headers: { 'retry-after': '7' }, body: CANARY };
      await eachRequest(weather, ['upstream_rate_limited'], (error) => expect(error.retryAfterMs).toBe(7000));
    });

    rule('failure', 'tells an upstream that is away from one that fails at what it is asked', async () => {
      for (const status of [502, 503, 504]) {
        await eachRequest({ kind: 'answer', status, body: LOGIN_PAGE }, ['upstream_unavailable']);
      }
      await eachRequest({ kind: 'answer', status: 500, body: LOGIN_PAGE }, ['upstream_failed']);
    });

    rule('cancellation', 'asks nothing for a caller that has gone', async () => {
      const provider = await open();
      const gone = new TallystickError('stopping', 'the caller has gone');
      proxy.set({ kind: 'fair' });
      expect(await refused(mint(provider, { signal: AbortSignal.abort(gone) }))).toBe(gone);
      expect(proxy.requests).toEqual([]);
    });

    rule('shutdown', 'lets go of a call in flight, of its timers and of its connections', async () => {
      const { making } = await course();
      await Promise.all(opened.map((earlier) => earlier.provider.close()));
      await vi.waitUntil(() => proxy.connections() === 0);
      const provider = await open();
      const { context } = opened.at(-1)!;
      proxy.set({ kind: 'silent' }, making);
      const caller = new AbortController();
      const call = refused(mint(provider, { signal: caller.signal }));
      await proxy.hit();
      const closed = provider.close();
      caller.abort(new TallystickError('stopping', 'the sidecar stops'));
      await Promise.all([closed, call]);
      expect(context.runningTimers()).toBe(0);
      await vi.waitUntil(() => proxy.connections() === 0);
      await provider.close();
    });

    rule('canary', 'puts nothing of an answer and no secret into errors, logs, handles or itself', async () => {
      proxy.set({ kind: 'fair' });
      const provider = await open();
      const keep = vi.fn<MintOrder['keep']>().mockResolvedValue();
      const made = await mint(provider, { keep });
      const told = [seen, opened.map(({ context }) => context.lines()), made.handles, keep.mock.calls, made.handle];
      const hidden = [CANARY, ...(await subject.secrets()), ...secrets];
      expect(secrets.size > 0 || secretsOf(made.material).length === 0).toBe(true);
      // What rejects late would be an unhandled rejection, which fails the run.
      await passed(0);
      for (const secret of hidden) expect(textOf([...told, provider]).includes(secret)).toBe(false);
    });
  });
}
