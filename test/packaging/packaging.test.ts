import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publishedPackages, ROOT } from '../rules/repository.ts';
import { runBin } from './command.ts';
import { createProject, type Project } from './project.ts';
import { surfaceOf } from './surface.ts';
import { packAll, type PackedPackage } from './tarballs.ts';
import { NODES, obtainTools, TYPESCRIPTS, type Tools } from './tools.ts';

// Minutes, because the first run of a machine downloads three versions of Node.
const PREPARATION_MS = 10 * 60_000;
const RUN_MS = 120_000;

const packages = publishedPackages();
let packed: PackedPackage[];
let tools: Tools;
let project: Project;

beforeAll(async () => {
  [packed, tools] = await Promise.all([packAll(), obtainTools()]);
  project = await createProject(packed, {
    '@opentelemetry/api': '^1.10.0',
    '@types/express': '^5.0.0',
    '@types/node': '^24.0.0',
    express: '^5.3.0',
    fastify: '^5.12.8',
    hono: '^4.13.19',
  });
}, PREPARATION_MS);

afterAll(() => project?.remove());

describe.each(packages)('$manifest.name', ({ folder, manifest, shortName }) => {
  const tarball = (): string => packed.find((each) => each.shortName === shortName)!.tarball;

  test('is packed as publint wants it', async () => {
    const bytes = readFileSync(tarball());
    const { messages, pkg } = await publint({
      pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) },
      strict: true,
    });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  test(
    'resolves to the same code and types in every kind of resolution but that of old CommonJS',
    async () => {
      await runBin('test', '@arethetypeswrong/cli', [tarball(), '--profile', 'esm-only', '--no-color']);
    },
    RUN_MS,
  );

  test.each(Object.keys(manifest.exports ?? {}).filter((subpath) => !subpath.endsWith('.json')))(
    'offers at "%s" the surface that was last agreed on; "vitest run test/packaging -u" agrees on another',
    async (subpath) => {
      const entry = subpath === '.' ? 'index' : subpath.slice(2);
      const snapshot = subpath === '.' ? shortName : `${shortName}-${entry}`;
      const surface = surfaceOf(join(ROOT, folder, 'dist', `${entry}.d.ts`));
      await expect(surface).toMatchFileSnapshot(`surface/${snapshot}.d.ts.txt`);
    },
  );
});

describe.each(NODES)('on Node %s', (version) => {
  test(
    'every entry loads by import and by require(), and offers the same',
    async () => {
      project.add('entries.mjs');
      project.add('import-all.mjs');
      project.add('require-all.cjs');
      const node = tools.node(version);
      const imported = await project.run(node, ['import-all.mjs']);
      const required = await project.run(node, ['require-all.cjs']);
      expect({ ...required, stdout: JSON.parse(required.stdout) as unknown }).toEqual({
        ...imported,
        stdout: JSON.parse(imported.stdout) as unknown,
      });
      expect(imported.stderr).toBe('');
    },
    RUN_MS,
  );
});

describe.each(TYPESCRIPTS)('under TypeScript %s', (version) => {
  test.each([
    { module: 'nodenext', moduleResolution: 'nodenext' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ])(
    'every entry type-checks with its dependencies, under $moduleResolution',
    async (resolution) => {
      const entries = packages.flatMap(({ manifest }) =>
        Object.keys(manifest.exports ?? {})
          .filter((subpath) => !subpath.endsWith('.json'))
          .map((subpath) => manifest.name + subpath.slice(1)),
      );
      const name = `types-${version}-${resolution.moduleResolution}`;
      const uses = entries.map((entry, at) => `import * as entry${at} from '${entry}';\nexport { entry${at} };`);
      project.write(`${name}/esm.mts`, uses.join('\n'));
      const requires = entries.map((entry, at) => `import entry${at} = require('${entry}');\nexport { entry${at} };`);
      if (resolution.module === 'nodenext') project.write(`${name}/cjs.cts`, requires.join('\n'));
      project.write(
        `${name}/tsconfig.json`,
        JSON.stringify({
          compilerOptions: {
            ...resolution,
            target: 'es2022',
            strict: true,
            noEmit: true,
            skipLibCheck: false,
            types: ['node'],
          },
        }),
      );
      await project.run(process.execPath, [tools.tsc(version), '-p', name, '--pretty', 'false']);
    },
    RUN_MS,
  );
});
