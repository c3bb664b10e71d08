import { context, propagation } from '@opentelemetry/api';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import {
  BAGGAGE_PROCESS,
  BAGGAGE_RUN,
  businessProcessFromBaggage,
  currentBusinessProcess,
  injectTrace,
  withBusinessProcess,
} from '../src/index.ts';
import { startOpenTelemetry, stopOpenTelemetry } from './open-telemetry.ts';

afterEach(stopOpenTelemetry);

const tick = () => new Promise((resolve) => setImmediate(resolve));
const claim = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCodePoint(code)),
  minLength: 1,
  maxLength: 128,
});

describe('without an OpenTelemetry SDK', () => {
  test('the business process goes with asynchronous code, and ends with it', async () => {
    const inside = await withBusinessProcess({ id: 'BP-1042', runId: 'r-77' }, async () => {
      await tick();
      return currentBusinessProcess();
    });
    expect(inside).toEqual({ id: 'BP-1042', runId: 'r-77' });
    expect(currentBusinessProcess()).toBeUndefined();
  });

  test('two that run at once do not see each other', async () => {
    const seen = (id: string) =>
      withBusinessProcess({ id }, async () => {
        await tick();
        return currentBusinessProcess()?.id;
      });
    expect(await Promise.all([seen('BP-1'), seen('BP-2')])).toEqual(['BP-1', 'BP-2']);
  });

  test('an inner one replaces the outer one whole', () => {
    withBusinessProcess({ id: 'BP-1', runId: 'r-1', ticket: 'CHG-1' }, () => {
      withBusinessProcess({ id: 'BP-2' }, () => expect(currentBusinessProcess()).toEqual({ id: 'BP-2' }));
      expect(currentBusinessProcess()?.runId).toBe('r-1');
    });
  });

  test('what the function returns or throws goes to the caller', () => {
    expect(withBusinessProcess({ id: 'BP-1' }, () => 7)).toBe(7);
    const failure = new Error('mine');
    expect(() =>
      withBusinessProcess({ id: 'BP-1' }, () => {
        throw failure;
      }),
    ).toThrow(failure);
  });
});

test.each([
  [{ id: '' }, '"id"'],
  [{ id: 'x'.repeat(129) }, '"id"'],
  [{ id: 'BP-\n1' }, '"id"'],
  [{ id: 'Büro' }, '"id"'],
  [{ id: 7 }, '"id"'],
  [{ id: 'BP-1', runId: '' }, '"runId"'],
  [{ id: 'BP-1', ticket: '\u0000' }, '"ticket"'],
])('a claim that is not 1 to 128 printable ASCII characters is refused: %j', (process, named) => {
  const call = () => withBusinessProcess(process as { id: string }, () => 'ran');
  expect(call).toThrow(TypeError);
  expect(call).toThrow(named);
});

test('an object that is changed afterwards does not change the claim', () => {
  const process = { id: 'BP-1' };
  withBusinessProcess(process, () => {
    process.id = 'BP-2';
    expect(currentBusinessProcess()?.id).toBe('BP-1');
  });
});

describe('with an OpenTelemetry context manager', () => {
  test('id and run travel in baggage, the ticket does not, and entries of others stay', () => {
    startOpenTelemetry();
    const others = propagation.setBaggage(
      context.active(),
      propagation.createBaggage({ tenant: { value: 'blue' }, [BAGGAGE_RUN]: { value: 'of an outer process' } }),
    );
    const headers: Record<string, string> = {};
    context.with(others, () => {
      withBusinessProcess({ id: 'BP-1042', ticket: 'CHG-7' }, () => injectTrace(headers));
    });
    expect(headers['baggage']).toBe('tenant=blue,tallystick.process=BP-1042');
  });

  test('a run that would make the header longer than 256 bytes is left out whole', () => {
    startOpenTelemetry();
    const baggageOf = (id: string, runId: string) => {
      const headers: Record<string, string> = {};
      withBusinessProcess({ id, runId }, () => injectTrace(headers));
      return headers['baggage'];
    };
    expect(baggageOf('x'.repeat(120), 'r'.repeat(97))).toHaveLength(252);
    expect(baggageOf('x'.repeat(120), 'r'.repeat(128))).toBe(`tallystick.process=${'x'.repeat(120)}`);
    expect(baggageOf('"'.repeat(128), 'r-1')).toBeUndefined();
  });

  test('any claim arrives as it was made, or not at all, within 256 bytes of header', () => {
    startOpenTelemetry();
    let arrived = 0;
    fc.assert(
      fc.property(claim, fc.option(claim, { nil: undefined }), (id, runId) => {
        const headers: Record<string, string> = {};
        withBusinessProcess({ id, runId }, () => injectTrace(headers));
        expect((headers['baggage'] ?? '').length).toBeLessThanOrEqual(256);
        const received = businessProcessFromBaggage(propagation.extract(context.active(), headers));
        if (!received) return;
        arrived += 1;
        expect(received.id).toBe(id);
        if (received.runId !== undefined) expect(received.runId).toBe(runId);
      }),
    );
    expect(arrived).toBeGreaterThan(20);
  });
});

describe('the business process of a caller', () => {
  const read = (entries: Record<string, string>) =>
    businessProcessFromBaggage(
      propagation.setBaggage(
        context.active(),
        propagation.createBaggage(Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, { value }]))),
      ),
    );

  test('is read from our two entries and from no other', () => {
    expect(read({ [BAGGAGE_PROCESS]: 'BP-1', [BAGGAGE_RUN]: 'r-1', 'tallystick.ticket': 'x', process: 'y' })).toEqual({
      id: 'BP-1',
      runId: 'r-1',
    });
    expect(read({ 'TALLYSTICK.PROCESS': 'BP-1' })).toBeUndefined();
    expect(businessProcessFromBaggage()).toBeUndefined();
  });

  test('is dropped when it could not have been claimed', () => {
    expect(read({ [BAGGAGE_PROCESS]: 'x'.repeat(129) })).toBeUndefined();
    expect(read({ [BAGGAGE_PROCESS]: 'BP\u00001' })).toBeUndefined();
    expect(read({ [BAGGAGE_PROCESS]: 'BP-1', [BAGGAGE_RUN]: 'r\n1' })).toEqual({ id: 'BP-1' });
  });
});
