// Writes the golden log of this format version into a folder that is not there yet:
// node --conditions=@tallystick/source packages/audit/test/programs/write-golden.ts packages/audit/test/golden/v1
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeGolden } from '../golden/make-golden.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('name the folder');
const work = mkdtempSync(join(tmpdir(), 'tallystick-golden-'));
await makeGolden(work, folder);
rmSync(work, { recursive: true });
