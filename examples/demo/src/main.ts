// Runs sidecar, API and service as processes of their own, and shows what holds. `--keep DIR` leaves their state there.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createChecks } from './checks.ts';
import { startCollector } from './collector.ts';
import { binding } from './parts/binding.ts';
import { evidence } from './parts/evidence.ts';
import { lease } from './parts/lease.ts';
import { noSecrets } from './parts/no-secrets.ts';
import { outages } from './parts/outages.ts';
import { rotation } from './parts/rotation.ts';
import { suspension } from './parts/suspension.ts';
import { theft } from './parts/theft.ts';
import { trace } from './parts/trace.ts';
import type { Part } from './part.ts';
import { setStage } from './stage.ts';
import { startWiretap } from './wiretap.ts';

const PARTS: readonly Part[] = [noSecrets, binding, trace, rotation, outages, theft, suspension, lease, evidence];

const { values } = parseArgs({ options: { keep: { type: 'string' } } });
const checks = createChecks(process.stdout, process.env.NO_COLOR !== undefined);
const folder = values.keep === undefined ? await mkdtemp(join(tmpdir(), 'tallystick-demo-')) : resolve(values.keep);
await mkdir(folder, { recursive: true });
const collector = await startCollector();
const wiretap = await startWiretap();

try {
  const stage = await setStage(folder, collector, wiretap);
  try {
    for (const part of PARTS) await part({ stage, checks, collector, wiretap });
  } finally {
    await stage.stop();
  }
} catch (error) {
  checks.holds('the demo runs to its end', false, error instanceof Error ? error.message : String(error));
} finally {
  collector.close();
  wiretap.close();
  if (values.keep === undefined) await rm(folder, { recursive: true, force: true });
  else await writeFile(join(folder, 'spans.json'), JSON.stringify(collector.spans, undefined, 2));
}
process.exitCode = checks.end();
