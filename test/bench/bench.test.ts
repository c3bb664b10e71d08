import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FROM_SOURCES } from '../daemon/program.ts';
import { ROOT } from '../rules/repository.ts';
import { BY_NAME_ALONE, CATALOG } from './catalog.ts';
import { figure, type Figure } from './figure.ts';
import { interleave } from './interleave.ts';
import { table, withTable } from './report.ts';
import { median, medianDifference, medianRatio, percentile } from './statistics.ts';

function bench(...args: string[]) {
  return spawnSync(process.execPath, [...FROM_SOURCES, join(ROOT, 'test/bench/main.ts'), ...args], {
    encoding: 'utf8',
  });
}

describe('pnpm bench', () => {
  test('--json prints one object a figure, with its peer, ratio, goal and verdict', () => {
    const { status, stdout, stderr } = bench('--json', '--quick', 'proof-creation', 'held-credential');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const figures = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Figure);
    expect(figures.map(({ name }) => name)).toEqual([
      'proof-creation/sign',
      'proof-creation/dpop',
      'proof-creation/jose',
      'held-credential',
    ]);
    for (const each of figures) {
      expect(Object.keys(each)).toEqual(['name', 'what', 'unit', 'ours', 'peer', 'against', 'ratio', 'goal', 'held']);
      expect(each.ours).toBeGreaterThan(0);
    }
    expect(figures[0]).toMatchObject({ unit: 'µs', against: '`crypto.sign`', goal: 'at most 1.3 × `crypto.sign`' });
    expect(figures[0]!.held).toBe(figures[0]!.ratio! <= 1.3);
    expect(figures[2]).toMatchObject({ peer: expect.any(Number) as number, goal: null, held: null });
    expect(figures[3]).toMatchObject({ peer: null, against: null, ratio: null, goal: 'below 1 µs' });
  });

  test('names what can be measured when asked for something else', () => {
    const { status, stderr } = bench('speed');
    expect(status).toBe(2);
    expect(stderr).toContain('there is no measurement "speed"; there are: proof-creation, fetch,');
  });
});

test('the committed table has the figures of every measurement, or a place for those that are measured by name alone', () => {
  const page = readFileSync(join(ROOT, 'test/bench/README.md'), 'utf8');
  const missing = Object.keys(CATALOG).filter(
    (name) => !page.includes(`| \`${name}/`) && !page.includes(`| \`${name}\``),
  );
  expect(missing.filter((name) => !BY_NAME_ALONE.includes(name))).toEqual([]);
  for (const name of BY_NAME_ALONE) expect(page).toContain(`<!-- figures: written by "pnpm bench ${name}" -->`);
});

describe('a figure', () => {
  const peer = { of: 'peer', value: 10 };
  const made = (goal: Parameters<typeof figure>[0]['goal'], ours: number, ratio?: number): Figure =>
    figure({
      name: 'a',
      what: 'b',
      unit: 'ms',
      ours,
      peer,
      ...(ratio !== undefined && { ratio }),
      ...(goal && { goal }),
    });

  test('is held by a ratio up to its goal or from it on, or by a value below its goal or from it on', () => {
    expect([made({ ratioAtMost: 0.5 }, 5).held, made({ ratioAtMost: 0.5 }, 5.1).held]).toEqual([true, false]);
    expect([made({ ratioAtLeast: 1.5 }, 15).held, made({ ratioAtLeast: 1.5 }, 14.9).held]).toEqual([true, false]);
    expect([made({ below: 5 }, 4.9).held, made({ below: 5 }, 5).held]).toEqual([true, false]);
    expect([made({ atLeast: 5 }, 5).held, made({ atLeast: 5 }, 4.9).held]).toEqual([true, false]);
  });

  test('is judged by the ratio of pairs, where there is one, before anything is rounded', () => {
    expect(made({ ratioAtMost: 0.5 }, 5, 0.5004)).toMatchObject({ ratio: 0.5, held: false });
  });

  test('that only informs is neither held nor missed', () => {
    expect(made(undefined, 5)).toMatchObject({ goal: null, held: null, ratio: 0.5 });
  });

  test('whose peer is a constant says so, in the object and in the table', () => {
    const fixed = figure({
      name: 'a',
      what: 'b',
      unit: 'ms',
      ours: 1,
      peer: { ...peer, fixed: true },
      goal: { below: 5 },
    });
    expect(fixed.peerFixed).toBe(true);
    expect(table([fixed], 'a machine')).toContain('| `a` | b | 1 ms | 10 ms (fixed), peer | 0.1 | below 5 ms | held |');
  });
});

test('a table is written between its marks, and a page without them is refused', () => {
  const page = withTable('a\n<!-- figures: written by "pnpm bench" -->\nold\n<!-- end of figures -->\nb\n', 'new');
  expect(page).toBe('a\n<!-- figures: written by "pnpm bench" -->\nnew\n<!-- end of figures -->\nb\n');
  expect(() => withTable('a', 'new')).toThrow(TypeError);
  const two = `${page}<!-- figures: written by "pnpm bench one" -->\nold\n<!-- end of figures -->\n`;
  expect(withTable(two, 'its own', 'pnpm bench one')).toBe(two.replace('old', 'its own'));
});

test('candidates take turns, each first in its round, and warm-up is not kept', async () => {
  const order: string[] = [];
  let sample = 0;
  const take = (name: string) => () => {
    order.push(name);
    return sample++;
  };
  const samples = await interleave({ a: take('a'), b: take('b') }, { rounds: 2, warmUp: 1 });
  expect(order.join('')).toBe('abbaab');
  expect(samples).toEqual({ a: [3, 4], b: [2, 5] });
});

test('medians are of the values in their order, ratios and differences of the pairs', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(percentile([1, 2, 3, 4], 0.99)).toBe(4);
  expect(medianRatio([2, 4, 30], [1, 2, 3])).toBe(2);
  expect(medianDifference([2, 4, 30], [1, 2, 3])).toBe(2);
  expect(() => median([])).toThrow(RangeError);
});
