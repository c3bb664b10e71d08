import { ABSOLUTE_PATH, SOCKET_PATH } from './file-path.ts';
import { isMapping, type TextOptions } from './shape.ts';
import { parseYaml } from './yaml.ts';

/**
 * Returns the folder of leases that a file names, though it is wrong elsewhere: the copy of the last good
 * configuration lies there. Undefined when the file does not say.
 */
export function salvageLeasesFolder(text: string): string | undefined {
  const state = salvage(text, 'state');
  if (isMapping(state)) return accepted(state.leases, ABSOLUTE_PATH);
  const folder = accepted(state, ABSOLUTE_PATH);
  return folder === undefined ? undefined : `${folder}/leases`;
}

/**
 * Returns the admin socket that a file names, though it is wrong elsewhere: the sidecar that still runs by an older
 * one can be asked there. Undefined when the file does not say.
 */
export function salvageAdminSocket(text: string): string | undefined {
  const listen = salvage(text, 'listen');
  return isMapping(listen) ? accepted(listen.admin, SOCKET_PATH) : undefined;
}

/** Returns the value of a key at the top of a file; where the whole is not YAML, that of the lines it takes. */
function salvage(text: string, key: string): unknown {
  const { value } = parseYaml(text);
  if (isMapping(value)) return value[key];
  const lines = text.split(/\r?\n/);
  const first = lines.findIndex((line) => line.startsWith(`${key}:`));
  if (first < 0) return undefined;
  const next = lines.findIndex((line, i) => i > first && /^[^\s#]/.test(line));
  const block = parseYaml(lines.slice(first, next < 0 ? undefined : next).join('\n')).value;
  return isMapping(block) ? block[key] : undefined;
}

function accepted(value: unknown, { pattern, check }: TextOptions): string | undefined {
  return typeof value === 'string' && pattern.test(value) && check?.(value) === undefined ? value : undefined;
}
