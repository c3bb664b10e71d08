import { writeFileSync } from 'node:fs';
import { generatedFiles } from './outputs.ts';

for (const [path, text] of generatedFiles()) writeFileSync(path, text);
