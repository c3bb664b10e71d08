import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { publishedPackages, readText, ROOT, type Manifest } from './repository.ts';

const packages = publishedPackages();
/** What a package publishes beside code. */
const DATA: Readonly<Record<string, readonly string[]>> = {
  audit: ['FORMAT.md', 'RECORDS.md', 'verify'],
  telemetry: ['registry'],
  sidecar: ['docs', 'schema.json', 'systemd'],
};
const root = JSON.parse(readText('package.json')) as Manifest;

test('all published packages have one version', () => {
  expect(new Set(packages.map(({ manifest }) => manifest.version)).size).toBe(1);
});

describe.each(packages)('$manifest.name', ({ folder, shortName, manifest }) => {
  const runtime = { ...manifest.dependencies, ...manifest.peerDependencies };

  test('says what it is, under which licence, and for which Node', () => {
    expect(manifest).toMatchObject({
      name: `@tallystick/${shortName}`,
      description: expect.stringMatching(/^[A-Z].{10,}[^.]$/) as string,
      license: 'Apache-2.0',
      type: 'module',
      engines: { node: root.engines!.node! },
      publishConfig: { access: 'public' },
    });
    expect(manifest.sideEffects).toBeDefined();
  });

  test('publishes its build and its source, and nothing else of its folder', () => {
    const bundle = manifest.publishConfig?.bin ? ['bundle'] : [];
    const data = DATA[shortName] ?? [];
    expect(manifest.files?.toSorted()).toEqual([...bundle, 'dist', '!dist/.tsbuildinfo', ...data, 'src'].sort());
  });

  test('each entry leads to source under our condition, to types, and to one module', () => {
    const { './package.json': self, ...entries } = manifest.exports ?? {};
    expect(self).toBe('./package.json');
    expect(Object.keys(entries).length).toBeGreaterThan(0);
    for (const [subpath, entry] of Object.entries(entries)) {
      const name = subpath === '.' ? 'index' : subpath.slice(2);
      expect(entry).toEqual({
        '@tallystick/source': `./src/${name}.ts`,
        types: `./dist/${name}.d.ts`,
        default: `./dist/${name}.js`,
      });
      // Conditions are tried in this order.
      expect(Object.keys(entry)).toEqual(['@tallystick/source', 'types', 'default']);
      expect(existsSync(join(ROOT, folder, `src/${name}.ts`)), `${folder}/src/${name}.ts exists`).toBe(true);
    }
  });

  test('asks for each of ours in the version of the workspace, and for the rest in that of the catalog or one exactly', () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      // A second version of something, to test against, has a name of its own.
      if (version.startsWith('npm:') && name in (manifest.devDependencies ?? {})) continue;
      // Packages of OpenTelemetry that are not stable fit each other in one version only.
      if (name.startsWith('@opentelemetry/') && /^\d+\.\d+\.\d+$/.test(version)) continue;
      expect(`${name} ${version}`).toBe(`${name} ${name.startsWith('@tallystick/') ? 'workspace:*' : 'catalog:'}`);
    }
  });

  test('is built after what it imports: its tsconfig refers to each of ours that it depends on', () => {
    const { references } = JSON.parse(readText(`${folder}/tsconfig.json`)) as { references: { path: string }[] };
    const folders = references.map(({ path }) => join(folder, path)).sort();
    const expected = packages.filter((each) => each.manifest.name in runtime).map((each) => each.folder);
    expect(folders).toEqual(expected.sort());
  });

  test('has a README', () => {
    expect(existsSync(join(ROOT, folder, 'README.md'))).toBe(true);
  });
});

test('the workspace builds every published package', () => {
  const { references } = JSON.parse(readText('tsconfig.json')) as { references: { path: string }[] };
  expect(references.map(({ path }) => path).sort()).toEqual(packages.map(({ folder }) => folder).sort());
});
