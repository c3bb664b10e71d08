// The start that the README shows, as it stands there: only folders, ports and the user are those of the test.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { TALLYSTICK } from '../daemon/daemon.ts';
import { freePort } from '../servers/free-ports.ts';
import { FROM_SOURCES, startProgram, type Program } from '../daemon/program.ts';
import { codeBlocks } from '../rules/markdown.ts';
import { readText, ROOT } from '../rules/repository.ts';

/** Below `test`, so that the programs find every package by its name. Ignored by git. */
const PROGRAMS = join(ROOT, 'test', '.cache', 'readme');
const BLOCKS = codeBlocks('README.md', readText('README.md'));

function blockWith(language: string, text: string): string {
  const found = BLOCKS.filter((block) => block.language === language && block.code.includes(text));
  expect(found, `blocks of ${language} with ${text}`).toHaveLength(1);
  return found[0]!.code;
}

function started(args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): Program {
  const program = startProgram({ command: [process.execPath, ...args], cwd, env });
  onTestFinished(() => program[Symbol.asyncDispose]());
  return program;
}

test('the start of the README works: configuration, commands, service and API', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-readme-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [api, feed] = await Promise.all([freePort(), freePort()]);
  const ours = (text: string): string => {
    const replaced = text
      .replaceAll(/(?:\/var)?\/(lib|run|etc)\//g, `${folder}/$1/`)
      .replaceAll('127.0.0.1:8480', `127.0.0.1:${feed}`)
      .replaceAll('https://ledger.acme.example/', `http://127.0.0.1:${api}/`)
      .replaceAll("publicOrigins: ['https://ledger.acme.example']", `publicOrigins: ['http://127.0.0.1:${api}']`)
      .replaceAll('unix:uid:1001', `unix:uid:${process.getuid!()}`)
      // In production the service may not be of the sidecar's own user, as it is here.
      .replaceAll('environment: production', 'environment: test');
    expect(replaced).not.toBe(text);
    return replaced;
  };
  const command = (line: string): Promise<{ stdout: string; stderr: string }> =>
    promisify(execFile)(process.execPath, [...TALLYSTICK, ...line.split(' ').slice(1)], { cwd: folder });

  writeFileSync(join(folder, 'tallystick.yaml'), ours(blockWith('yaml', 'trustDomain')));
  const shown = blockWith('sh', 'tallystick run').split('\n');
  expect(shown.map((line) => line.replace(/ *#.*/, ''))).toEqual(['tallystick check', 'tallystick run']);
  expect((await command('tallystick check')).stdout).toContain('is good: 1 identity, 1 credential');
  await started([...TALLYSTICK, 'run'], folder).line(({ message }) => message === 'serving');

  const [exporting, file] = ours(blockWith('sh', 'issuer export')).split(' > ');
  mkdirSync(join(folder, 'etc', 'ledger'), { recursive: true });
  writeFileSync(join(folder, 'etc', 'ledger', file!), (await command(exporting!)).stdout);

  mkdirSync(PROGRAMS, { recursive: true });
  const listening = `await api.listen({ host: '127.0.0.1', port: ${api} });\nconsole.log('{"listening":true}');\n`;
  writeFileSync(join(PROGRAMS, 'api.ts'), `${ours(blockWith('ts', 'createVerifier'))}\n${listening}`);
  const service = blockWith('ts', 'identity.fetch(');
  writeFileSync(join(PROGRAMS, 'service.ts'), ours(service));

  await started([...FROM_SOURCES, 'api.ts'], PROGRAMS).line(({ listening: is }) => is === true);
  const calling = started([...FROM_SOURCES, 'service.ts'], PROGRAMS, {
    TALLYSTICK_SOCKET: `unix://${folder}/run/tallystick/api.sock`,
  });
  expect(await calling.ended).toBe(0);
  expect(calling.output()).toBe(`${/\/\/ => (.*)/.exec(service)![1]}\n`);
});
