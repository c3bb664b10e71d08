import { expect, test } from 'vitest';
import { moduleFacts } from './module-facts.ts';

const facts = (text: string) => moduleFacts('example.ts', text);

test('an import is found in each form that the language has', () => {
  const { imports } = facts(`
    import a from 'a';
    import 'b';
    import type { C } from 'c';
    import { type D } from 'd';
    import { type E, f } from 'e';
    export { g } from 'g';
    export type { H } from 'h';
    const i = () => import('i');
    const j = () => require('j');
    type K = import('k').K;
  `);
  const at = (typeOnly: boolean, late: boolean) =>
    imports.filter((found) => found.typeOnly === typeOnly && found.late === late).map((found) => found.specifier);
  expect(at(false, false)).toEqual(['a', 'b', 'e', 'g']);
  expect(at(true, false)).toEqual(['c', 'd', 'h', 'k']);
  expect(at(false, true)).toEqual(['i', 'j']);
});

test.each([
  ['await ready();', true],
  ['for await (const x of y) z(x);', true],
  ['await using lock = take();', true],
  ['async function f() { await ready(); }', false],
  ['const f = async () => { for await (const x of y) z(x); };', false],
  ['class A { async m() { await ready(); } }', false],
])('top-level await is told from await in a function: %s', (text, expected) => {
  expect(facts(`${text} export {};`).awaitsAtTopLevel).toBe(expected);
});

test.each([
  ['process.env.HOME', true],
  ["process['env']", true],
  ['const { env } = process; export { env }', true],
  ["import { env } from 'node:process'", true],
  ['process.pid', false],
  ['const env = options.env', false],
])('reading the environment is seen: %s', (text, expected) => {
  expect(facts(text).readsEnvironment).toBe(expected);
});

test('default exports and star exports are seen', () => {
  expect(facts('export default 1').exportsDefault).toBe(true);
  expect(facts("export { default } from './a.ts'").exportsDefault).toBe(true);
  expect(facts('export const a = 1').exportsDefault).toBe(false);
  expect(facts("export * from './a.ts'").exportsStar).toBe(true);
  expect(facts("export * as a from './a.ts'").exportsStar).toBe(false);
});

test('a text that is not TypeScript is an error, not a module without imports', () => {
  expect(() => facts('import from from')).toThrow('example.ts');
});
