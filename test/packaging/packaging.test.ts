import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { putFiles, writeLog } from '../../packages/audit/test/verify/log-on-disk.ts';
import { publishedPackages, ROOT, type Manifest } from '../rules/repository.ts';
import { copyBundle, startBundledSidecar, type BundledCommand, type BundledSidecar } from './bundled-sidecar.ts';
import { runBin } from './command.ts';
import { createProject, type Project } from './project.ts';
import { surfaceOf } from './surface.ts';
import { packAll, type PackedPackage } from './tarballs.ts';
import { NODES, obtainTools, TYPESCRIPTS, type Tools } from './tools.ts';

// Minutes, because the first run on a machine downloads three versions of Node.
const PREPARATION_MS = 10 * 60_000;
// A compiler takes seconds, and many on a machine that does other things as well.
vi.setConfig({ testTimeout: 120_000 });

/** Entries that only our own packages use. */
const NOT_PUBLIC = ['@tallystick/sdk/internal', '@tallystick/sidecar/embedded'];

const packages = publishedPackages();
let packed: PackedPackage[];
let tools: Tools;
/** Has every package, and the newest of what they work with. */
let project: Project;
/** Has what a service needs, with the OpenTelemetry of a service that has not moved on. */
let older: Project;
let bundle: BundledCommand;
let sidecar: BundledSidecar;
/** What a service runs with, beside its code. */
let env: Record<string, string>;
/** What `service.mjs` and its like print. */
let served: Record<string, unknown>;

beforeAll(async () => {
  [packed, tools] = await Promise.all([packAll(), obtainTools()]);
  [project, older] = await Promise.all([
    createProject(packed, {
      '@opentelemetry/api': '^1.10.0',
      '@opentelemetry/sdk-trace': '^3.1.1',
      '@types/express': '^5.0.0',
      '@types/node': '^24.0.0',
      express: '^5.3.0',
      fastify: '^5.12.8',
      hono: '^4.13.19',
      msw: '^3.0.5',
    }),
    createProject(needsOf('sdk'), { '@opentelemetry/api': '1.9.0', '@opentelemetry/sdk-trace-base': '~2.12.0' }),
  ]);
  bundle = copyBundle(join(project.folder, 'node_modules', '@tallystick', 'sidecar'));
  sidecar = await startBundledSidecar(bundle.main, process.execPath);
  env = { TALLYSTICK_SOCKET: sidecar.socket };
  served = { id: sidecar.identity, binding: 'dpop', scheme: 'DPoP', parts: 3 };
}, PREPARATION_MS);

afterAll(async () => {
  await sidecar?.stop();
  bundle?.remove();
  project?.remove();
  older?.remove();
  if (packed) rmSync(dirname(packed[0]!.tarball), { recursive: true });
});

describe.each(packages)('$manifest.name', ({ folder, manifest, shortName }) => {
  const tarball = (): string => packed.find((each) => each.shortName === shortName)!.tarball;

  test('is packed as publint wants it', async () => {
    const bytes = Uint8Array.from(readFileSync(tarball()));
    const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  test('resolves to code and to the types of that code, by import and by require()', async () => {
    await runBin('test', '@arethetypeswrong/cli', [tarball(), '--profile', 'esm-only', '--no-color']);
  });

  test.each(entriesOf(manifest).filter((entry) => !NOT_PUBLIC.includes(entry)))(
    'offers by %s what was agreed on; "vitest run test/packaging -u" agrees anew',
    async (entry) => {
      const file = entry === manifest.name ? 'index' : entry.slice(manifest.name.length + 1);
      const snapshot = entry.replace('@tallystick/', '').replace('/', '-');
      await expect(surfaceOf(join(ROOT, folder, 'dist', `${file}.d.ts`))).toMatchFileSnapshot(
        `surface/${snapshot}.d.ts.txt`,
      );
    },
  );
});

describe.each(NODES)('on Node %s', (version) => {
  const run = (script: string) => {
    project.add(script);
    return project.run(tools.node(version), [script], env);
  };

  test('every entry loads by import and by require(), and offers the same', async () => {
    project.add('entries.mjs');
    const imported = await run('import-all.mjs');
    const required = await run('require-all.cjs');
    expect(JSON.parse(required.stdout)).toEqual(JSON.parse(imported.stdout));
    expect(Object.keys(JSON.parse(imported.stdout) as object).sort()).toEqual(
      packages.flatMap(({ manifest }) => entriesOf(manifest)).sort(),
    );
    expect([imported.stderr, required.stderr]).toEqual(['', '']);
  });

  test.each(['service.mjs', 'service.cjs'])('%s gets its identity, a token and a proof, and ends', async (script) => {
    const { stdout, stderr } = await run(script);
    expect(JSON.parse(stdout)).toEqual(served);
    expect(stderr).toBe('');
  });

  test.each(['service.mjs', 'service.cjs'])(
    '%s is the same under @tallystick/register, without a collector',
    async (script) => {
      project.add(script);
      const { stdout, stderr } = await project.run(
        tools.node(version),
        ['--import', '@tallystick/register', script],
        env,
      );
      expect(JSON.parse(stdout)).toEqual(served);
      expect(stderr).toBe('');
    },
  );

  test('the installed command runs', async () => {
    const { version: expected } = packages[0]!.manifest;
    const { stdout, stderr } = await project.run(tools.node(version), ['node_modules/.bin/tallystick', '--version']);
    expect([stdout, stderr]).toEqual([`${expected}\n`, '']);
  });

  test('the bundled command serves from a folder where nothing is installed', async () => {
    const other = await startBundledSidecar(bundle.main, tools.node(version));
    project.add('service.mjs');
    const { stdout } = await project.run(process.execPath, ['service.mjs'], { TALLYSTICK_SOCKET: other.socket });
    await other.stop();
    expect(JSON.parse(stdout)).toEqual(served);
  });
});

test.each([
  ['a log of 300 records', 300, 0],
  ['a large log', 65_537, 2],
])('the bundled command verifies %s, with threads where they are worth their start', async (_, size, threads) => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-verified-'));
  const genesis = Buffer.from('{"body":{"previous":null},"type":"log.genesis"}');
  putFiles(join(folder, '1/1'), writeLog(size, { recordAt: () => genesis }).files);
  const tell = `import { subscribe } from 'node:diagnostics_channel';
    subscribe('worker_threads', () => process.stderr.write('thread '));`;
  const args = ['audit', 'verify', '--dir', folder, '--level', 'tree', '--json'];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [`--import=data:text/javascript,${encodeURIComponent(tell)}`, bundle.main, ...args],
    { encoding: 'utf8', maxBuffer: 64 << 20 },
  );
  rmSync(folder, { recursive: true });
  expect({ status, threads: stderr.split('thread ').length - 1 }).toEqual({ status: 3, threads });
  expect(JSON.parse(stdout)).toMatchObject({ integrity: { verdict: 'holds' }, logs: [{ head: { size } }] });
});

describe('types', () => {
  const entries = packages.flatMap(({ manifest }) => entriesOf(manifest));
  const imports = entries.map((entry, at) => `import * as entry${at} from '${entry}';\nexport { entry${at} };`);
  const requires = entries.map((entry, at) => `import entry${at} = require('${entry}');\nexport { entry${at} };`);
  const check = async (version: (typeof TYPESCRIPTS)[number], resolution: object, files: object): Promise<void> => {
    const folder = `types-${version}-${Object.values(resolution).join('-')}`;
    for (const [file, lines] of Object.entries(files))
      project.write(`${folder}/${file}`, (lines as string[]).join('\n'));
    // Everything that our types refer to is checked with them: the user may not have skipLibCheck.
    const options = {
      target: 'es2022',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      types: ['node'],
      ...resolution,
    };
    project.write(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions: options }));
    await project.run(process.execPath, [tools.tsc(version), '-p', folder, '--pretty', 'false']);
  };

  // Each in a folder of its own.
  test.concurrent.each(TYPESCRIPTS)(
    'of every entry are good under TypeScript %s, for import and for require()',
    (version) => check(version, { module: 'nodenext' }, { 'esm.mts': imports, 'cjs.cts': requires }),
  );

  test.concurrent('of every entry are good for a bundler', () =>
    check('7', { module: 'esnext', moduleResolution: 'bundler' }, { 'esm.mts': imports }));
});

describe('in the company of', () => {
  test.each([
    ['Jest 30 on Node 22, as ECMAScript modules', '22.19.0', ['esm.test.mjs']],
    ['Jest 30 on Node 24, as both', '24', ['esm.test.mjs', 'cjs.test.cjs']],
  ] as const)('%s', async (_, version, tests) => {
    project.add('jest');
    await project.run(
      tools.node(version),
      ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', tools.jest, '--rootDir', 'jest', ...tests],
      env,
    );
  });

  test('msw 3, which sees token and proof', async () => {
    project.add('msw.mjs');
    const { stdout } = await project.run(process.execPath, ['msw.mjs'], env);
    expect(JSON.parse(stdout)).toEqual({ scheme: 'DPoP', parts: 3, body: 'entry' });
  });

  test.each(['esm', 'cjs'] as const)('esbuild, bundled as %s, without node_modules', async (format) => {
    project.add('service.mjs');
    const outfile = join(dirname(packed[0]!.tarball), format === 'esm' ? 'service.mjs' : 'service.cjs');
    const { metafile } = await build({
      absWorkingDir: project.folder,
      entryPoints: ['service.mjs'],
      bundle: true,
      platform: 'node',
      format,
      outfile,
      metafile: true,
      logLevel: 'silent',
    });
    const { stdout, stderr } = await project.run(process.execPath, [outfile], env);
    expect(JSON.parse(stdout)).toEqual(served);
    expect(stderr).toBe('');
    // A service carries the SDK, and neither the sidecar nor any SDK of OpenTelemetry.
    const carried = new Set(
      Object.keys(metafile.inputs).flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []),
    );
    expect([...carried].sort()).toEqual([
      '@opentelemetry/api',
      '@tallystick/core',
      '@tallystick/dpop',
      '@tallystick/protocol',
      '@tallystick/sdk',
      '@tallystick/telemetry',
      'lru-cache',
    ]);
  });

  test.each([
    ['OpenTelemetry SDK 3, API 1.10', () => project, 'open-telemetry-3.mjs'],
    ['OpenTelemetry SDK 2, API 1.9', () => older, 'open-telemetry-2.mjs'],
  ])('%s, whose spans say who made them and for what', async (_, where, setUp) => {
    where().add(setUp);
    where().add('traced.mjs');
    const { stdout } = await where().run(process.execPath, ['traced.mjs', `./${setUp}`], env);
    expect(JSON.parse(stdout)).toMatchObject({
      'tallystick.identity.id': sidecar.identity,
      'tallystick.identity.owner.id': 'team-payments',
      'tallystick.business_process.id': 'BP-1042',
    });
  });
});

/** Returns what users write after `from` to import each entry. */
function entriesOf({ name, exports = {} }: Manifest): string[] {
  return Object.keys(exports)
    .filter((subpath) => !subpath.endsWith('.json'))
    .map((subpath) => name + subpath.slice(1));
}

/** Returns a package and all of ours that it depends on. */
function needsOf(shortName: string): PackedPackage[] {
  const one = packed.find((each) => each.shortName === shortName)!;
  const needed = packed.filter((each) => each.manifest.name in (one.manifest.dependencies ?? {}));
  return [...new Set([one, ...needed.flatMap((each) => needsOf(each.shortName))])];
}
