import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path/posix';
import { describe, expect, test } from 'vitest';
import { moduleFacts, type ModuleImport } from './module-facts.ts';
import { listFiles, publishedPackages, readText } from './repository.ts';

/** What the source of a package may import, beside its own files. Types may also come from `typesOf`. */
interface ImportRule {
  readonly packages: readonly string[];
  readonly typesOf?: readonly string[];
  /** The built-in modules it may import; absent means any. */
  readonly builtins?: readonly string[];
}

/** Built-in modules that touch neither files nor network. */
const PURE = ['async_hooks', 'buffer', 'crypto', 'diagnostics_channel', 'perf_hooks', 'timers', 'url', 'util'].map(
  (name) => `node:${name}`,
);
const OURS = '@tallystick/';
/** Entries for our own packages: they have to be allowed by their whole name. */
const NOT_PUBLIC = /\/(internal|embedded)$/;

const RULES: Readonly<Record<string, ImportRule>> = {
  core: { packages: [], builtins: PURE },
  dpop: { packages: ['core', 'lru-cache'], builtins: PURE },
  audit: { packages: ['core'] },
  telemetry: { packages: ['core', '@opentelemetry/api'], builtins: PURE },
  protocol: { packages: ['core', 'dpop', 'jose'], builtins: PURE },
  sdk: { packages: ['core', 'dpop', 'protocol', 'telemetry'], typesOf: ['undici'] },
  'resource-server': {
    packages: ['core', 'dpop', 'telemetry', 'jose', 'lru-cache', '@opentelemetry/api'],
    typesOf: ['express', 'fastify', 'hono'],
  },
  register: { packages: ['core', 'sdk', 'sdk/internal', 'telemetry', '@opentelemetry/*'] },
  testing: { packages: ['core', 'sdk', 'sdk/internal', 'sidecar/embedded'] },
  sidecar: {
    packages: [
      'core',
      'dpop',
      'protocol',
      'telemetry',
      'audit',
      '@opentelemetry/*',
      'aws4fetch',
      'jose',
      'js-yaml',
      'koffi',
      'lru-cache',
      'node-vault',
      'undici',
      'yaml',
    ],
  },
};

const packages = publishedPackages();

test('every published package has an import rule, and every rule a package', () => {
  const named = packages.map((each) => each.shortName);
  expect(named.filter((name) => !RULES[name])).toEqual([]);
  expect(Object.keys(RULES).filter((name) => !named.includes(name))).toEqual([]);
});

describe.each(packages)('$manifest.name', ({ folder, shortName, manifest, sources }) => {
  const rule = RULES[shortName] ?? { packages: [] };
  const imports = sources.flatMap((path) =>
    moduleFacts(path, readText(path)).imports.map((each) => ({ path, ...each })),
  );

  test('imports only what its rule allows', () => {
    const broken = imports.filter(({ specifier, typeOnly }) => {
      if (specifier.startsWith('.')) return false;
      if (isBuiltin(specifier)) return rule.builtins !== undefined && !rule.builtins.includes(specifier);
      const allowed = typeOnly ? [...rule.packages, ...(rule.typesOf ?? [])] : rule.packages;
      return !allowed.some((name) => matches(specifier, name));
    });
    expect(broken.map(describeImport)).toEqual([]);
  });

  test('imports only packages that its package.json asks for', () => {
    const asked = { ...manifest.dependencies, ...manifest.peerDependencies };
    const broken = imports.filter(({ specifier, typeOnly }) => {
      if (specifier.startsWith('.') || isBuiltin(specifier)) return false;
      const name = packageName(specifier);
      return !(name in asked) && !(typeOnly && name in (manifest.devDependencies ?? {}));
    });
    expect(broken.map(describeImport)).toEqual([]);
  });

  test('never reaches out of its own src by a relative path', () => {
    const broken = imports.filter(
      ({ path, specifier }) =>
        specifier.startsWith('.') && !join(dirname(path), specifier).startsWith(`${folder}/src/`),
    );
    expect(broken.map(describeImport)).toEqual([]);
  });
});

test('the examples import what a user may: neither the sidecar nor anything internal', () => {
  const broken = listFiles()
    .filter((path) => /^examples\/.*\.(ts|js|mjs|cjs)$/.test(path))
    .flatMap((path) => moduleFacts(path, readText(path)).imports.map((each) => ({ path, ...each })))
    .filter(({ specifier }) => specifier.startsWith(`${OURS}sidecar`) || NOT_PUBLIC.test(specifier));
  expect(broken.map(describeImport)).toEqual([]);
});

test('the decision of the sidecar is pure: "authorize" imports vocabulary, contracts and nothing that runs', () => {
  const broken = packages
    .flatMap(({ sources }) => sources)
    .filter((path) => path.startsWith('sidecar/src/authorize/'))
    .flatMap((path) => moduleFacts(path, readText(path)).imports.map((each) => ({ path, ...each })))
    .filter(({ specifier, typeOnly }) => !typeOnly && !specifier.startsWith('./') && specifier !== `${OURS}core`);
  expect(broken.map(describeImport)).toEqual([]);
});

function matches(specifier: string, allowed: string): boolean {
  const ours = RULES[allowed.split('/')[0]!] !== undefined;
  const name = ours ? OURS + allowed : allowed;
  if (name.endsWith('/*')) return specifier.startsWith(name.slice(0, -1));
  return specifier === name || (specifier.startsWith(`${name}/`) && !(ours && NOT_PUBLIC.test(specifier)));
}

function packageName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function describeImport({ path, specifier, typeOnly }: ModuleImport & { path: string }): string {
  return `${path} imports ${typeOnly ? 'a type of ' : ''}${specifier}`;
}
