import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { defineConfig, type Options } from 'tsup';

/**
 * Takes of a built-in module what is used of it. To import it makes Node read its every export, also those that load
 * more when they are read: all of undici for the WebSocket of `node:http`, an assertion library for `node:util`.
 */
const builtInsAsNeeded: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'built-ins-as-needed',
  setup(build) {
    build.onResolve({ filter: /./ }, ({ path, kind }) =>
      kind === 'import-statement' && isBuiltin(path) ? { path, namespace: 'built-in' } : undefined,
    );
    build.onLoad({ filter: /./, namespace: 'built-in' }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path)!).filter((name) => /^[a-z]\w*$/i.test(name));
      return {
        contents: [
          `const $module = process.getBuiltinModule(${JSON.stringify(path)});`,
          // Pure: what nobody imports is left out.
          ...names.map((name) => `export const ${name} = /* @__PURE__ */ (() => $module.${name})();`),
          'export default $module;',
        ].join('\n'),
      };
    });
  },
};

/**
 * Takes of two dependencies the part that is used, which is a third of their code and saves 40 MB of memory: of undici
 * its agent, without `fetch`, WebSocket and mocks; of node-vault all but its own transport, in whose place ours stands.
 */
const partsThatAreUsed: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'parts-that-are-used',
  setup(build) {
    const parts: Readonly<Record<string, string>> = {
      axios: 'module.exports = {};',
      undici: [
        "const Agent = require('undici/lib/dispatcher/agent.js');",
        "Agent.prototype.request = require('undici/lib/api/api-request.js');",
        'module.exports = { Agent };',
      ].join('\n'),
    };
    build.onResolve({ filter: /^(axios|undici)$/ }, ({ path, resolveDir }) => ({
      path,
      namespace: 'part',
      pluginData: resolveDir,
    }));
    build.onLoad({ filter: /./, namespace: 'part' }, ({ path, pluginData: resolveDir }) => ({
      contents: parts[path]!,
      resolveDir: resolveDir as string,
    }));
  },
};

// The command in one folder (`--out-dir`, else bundle), which runs where nothing is installed: main.js, its late-loaded
// parts, the threads of the record's journal and of its verifier, and the native part of koffi for the platform it was made on
// (sidecar/src/listen/koffi.ts finds it there).
export default defineConfig(async ({ outDir = join(import.meta.dirname, 'bundle') }) => {
  // Not by `clean`: each of the two would remove what the other has made.
  await rm(outDir, { recursive: true, force: true });
  const common: Options = {
    outDir,
    tsconfig: 'tsconfig.json',
    platform: 'node',
    target: 'node22',
    clean: false,
    dts: false,
    minify: false,
    noExternal: [/.*/],
    // Else tsup resolves `node:` itself.
    removeNodeProtocol: false,
    esbuildOptions(options) {
      options.conditions = ['@tallystick/source', 'module', 'node'];
      options.mainFields = ['module', 'main'];
      options.legalComments = 'none';
    },
  };
  return [
    {
      ...common,
      entry: ['src/main.ts'],
      format: 'esm',
      splitting: true,
      metafile: true,
      external: ['koffi'],
      esbuildPlugins: [builtInsAsNeeded, partsThatAreUsed],
      // Some dependencies are CommonJS, and ask for built-in modules by require().
      banner: {
        js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);",
      },
      async onSuccess() {
        await writeFile(join(outDir, 'package.json'), '{ "type": "module" }\n');
        await copyKoffi(outDir);
        await writeLicences(outDir);
      },
    },
    // CommonJS: a thread that need not set up the loader of ES modules starts in half the time.
    {
      ...common,
      entry: {
        'journal-worker': '../packages/audit/src/journal/journal-worker.ts',
        'range-worker': '../packages/audit/src/verify/range-worker.ts',
      },
      format: 'cjs',
      outExtension: () => ({ js: '.cjs' }),
    },
  ];
});

/** Copies the native part of koffi for this platform; on Linux for both kinds of libc. */
async function copyKoffi(bundle: string): Promise<void> {
  const koffi = createRequire(createRequire(import.meta.url).resolve('koffi'));
  const platform = dirname(koffi.resolve(`@koromix/koffi-${process.platform}-${process.arch}/package.json`));
  const kinds = process.platform === 'linux' ? ['linux', 'musl'] : [process.platform];
  for (const kind of kinds) {
    const name = join(`${kind}_${process.arch}`, 'koffi.node');
    await cp(join(platform, name), join(bundle, 'koffi', name));
  }
}

/** Writes the licences of everything that went into the bundle, as their authors ask. */
async function writeLicences(bundle: string): Promise<void> {
  const metafile = join(bundle, 'metafile-esm.json');
  const { inputs } = JSON.parse(await readFile(metafile, 'utf8')) as { inputs: Record<string, unknown> };
  await rm(metafile);
  const koffi = dirname(createRequire(import.meta.url).resolve('koffi'));
  const folders = new Set([koffi]);
  for (const path of Object.keys(inputs)) {
    const folder = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
    if (folder) folders.add(join(import.meta.dirname, folder));
  }
  const texts = await Promise.all([...folders].map(licenceOf));
  await writeFile(join(bundle, 'LICENCES.txt'), [...new Set(texts)].sort().join(`\n${'-'.repeat(80)}\n`));
}

async function licenceOf(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license: string;
  };
  const file = (await readdir(folder)).find((each) => /^(licen[cs]e|copying)/i.test(each));
  return `${name} ${version} (${license})\n\n${file ? await readFile(join(folder, file), 'utf8') : ''}`;
}
