import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { surfaceOf } from './surface.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'tallystick-surface-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function surface(files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return surfaceOf(join(folder, 'index.d.ts'));
}

test('a surface is what the entry exports, by name, without comments, wherever it is declared', () => {
  const files = {
    'index.d.ts': "export { b, a as c } from './parts.ts';\nexport type { Key } from 'jose';\n",
    'parts.d.ts': [
      '/** Says a. */',
      'export declare function a(): string;',
      'export declare function b(/** inside */ x: number): void;',
      'export declare function b(x: string): void;',
      'export declare const hidden: 1;',
    ].join('\n'),
  };
  expect(surface(files)).toBe(
    [
      '// as c\nexport declare function a(): string;',
      "export { Key } from 'jose'",
      'export declare function b( x: number): void;\nexport declare function b(x: string): void;',
    ]
      .sort()
      .join('\n\n') + '\n',
  );
});

test('a type that only an exported one mentions is part of the surface', () => {
  const files = {
    'index.d.ts':
      "import type { Options } from './options.ts';\nexport declare function open(o: Options): Handle;\ninterface Handle { close(): void }\n",
    'options.d.ts': "import { type Depth } from './depth.ts';\nexport interface Options { readonly depth: Depth }\n",
    'depth.d.ts': 'export type Depth = 1 | 2;\n',
  };
  const before = surface(files);
  expect(before).toContain('interface Handle');
  expect(before).toContain('readonly depth: Depth');
  expect(surface({ ...files, 'depth.d.ts': 'export type Depth = 1 | 2 | 3;\n' })).not.toBe(before);
});
