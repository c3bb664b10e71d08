import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/** Compiles each text as a module of this package; throws what the compiler says. */
export function compile(texts: readonly string[]): void {
  const folder = mkdtempSync(join(ROOT, 'test', 'compiled-'));
  try {
    texts.forEach((text, i) => writeFileSync(join(folder, `${i}.ts`), `${text}\nexport {};\n`));
    const compilerOptions = { noEmit: true, composite: false, incremental: false, allowImportingTsExtensions: true };
    const tsconfig = { extends: join(ROOT, '../../tsconfig.base.json'), compilerOptions, include: ['*.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
    execFileSync(join(ROOT, '../../node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' });
  } catch (error) {
    throw new Error((error as { stdout?: string }).stdout ?? String(error), { cause: error });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
