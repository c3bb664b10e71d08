import { AnchorError } from '@tallystick/audit';
import { expect, test } from 'vitest';
import { createOutages } from '../../src/anchor/outages.ts';
import { memoryLog } from '../memory-log.ts';

test('a witness that fails, and one that works, is told of once, until that changes', () => {
  const log = memoryLog();
  const outages = createOutages('witness', log);
  const away = (): AnchorError => new AnchorError('witness_unreachable', 'the witness w1 could not be asked');
  outages.worked('w1');
  outages.worked('w1');
  outages.failed('w1', away());
  outages.failed('w1', away());
  expect(outages.failing).toEqual(['w1']);
  outages.failed(
    'w1',
    new AnchorError('witness_ahead', 'the witness w1 says it has cosigned 9 records; the log has 3'),
  );
  outages.failed('w2', away());
  expect(outages.failing).toEqual(['w1', 'w2']);
  outages.worked('w1');
  expect(outages.failing).toEqual(['w2']);
  expect(log.lines.map(({ level, message, witness, code }) => [level, message, witness, code])).toEqual([
    ['info', 'the witness anchors the record', 'w1', undefined],
    ['warn', 'the witness does not anchor the record', 'w1', 'anchor_unavailable'],
    ['error', 'the witness does not anchor the record', 'w1', 'anchor_refused'],
    ['warn', 'the witness does not anchor the record', 'w2', 'anchor_unavailable'],
    ['info', 'the witness anchors the record', 'w1', undefined],
  ]);
});
