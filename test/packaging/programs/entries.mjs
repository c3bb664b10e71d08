import { readFileSync } from 'node:fs';

const read = (url) => JSON.parse(readFileSync(new URL(url, import.meta.url), 'utf8'));

/** Every entry that the installed @tallystick packages offer. */
export function entries() {
  return Object.keys(read('./package.json').dependencies)
    .filter((name) => name.startsWith('@tallystick/'))
    .flatMap((name) =>
      Object.keys(read(`./node_modules/${name}/package.json`).exports)
        .filter((subpath) => !subpath.endsWith('.json'))
        .map((subpath) => name + subpath.slice(1)),
    );
}
