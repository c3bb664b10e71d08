import { askSidecar, jsonText } from './ask-sidecar.ts';
import { CONFIG_OPTION, defineCommand, EXIT, JSON_OPTION } from './command.ts';

/** `tallystick status`: how the running sidecar is. Ends with 1 when it is not ready. */
export const status = defineCommand({
  name: 'status',
  summary: 'show how the running sidecar is',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  run: (invocation) =>
    askSidecar(invocation, async (sidecar) => {
      const answer = await sidecar.get('/v1/status');
      invocation.stdout.write(invocation.options.json ? jsonText(answer) : `${describe(answer).join('\n')}\n`);
      return answer.ready === true ? EXIT.ok : EXIT.notOk;
    }),
});

function describe(answer: Readonly<Record<string, unknown>>): readonly string[] {
  const rows = [...rowsOf(answer, '')];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.replaceAll('_', ' ').padEnd(width)}  ${value}`);
}

function* rowsOf(object: object, path: string): Generator<readonly [name: string, value: string]> {
  for (const [name, value] of Object.entries(object) as [string, unknown][]) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) yield* rowsOf(value, `${path}${name}.`);
    else yield [`${path}${name}`, text(value)];
  }
}

function text(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
