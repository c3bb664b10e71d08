import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Part } from '../part.ts';

/** What looks like a credential, wherever it stands. */
const SECRET = /eyJ[\w-]{10,}\.|PRIVATE KEY|"d":|password|secret|api[_-]?key/i;

export const noSecrets: Part = async ({ stage, checks, wiretap }) => {
  checks.part('1  The service is given a socket, and no secret');
  const connected = await stage.service.line(({ event }) => event === 'connected');
  checks.show('is', String(connected.id));
  checks.show('owner', String(connected.owner));
  checks.holds(
    'its calls reach the API',
    wiretap.requests.some(({ status }) => status === 200),
  );
  const token = wiretap.requests[0]?.token ?? '';
  const clean = (text: string): boolean => !SECRET.test(text) && (token === '' || !text.includes(token));

  // Where the kernel shows them.
  const [environment, args] = await Promise.all(
    ['environ', 'cmdline'].map((name) => readFile(`/proc/${stage.service.pid}/${name}`, 'utf8').catch(() => '')),
  );
  const names = environment!
    .split('\0')
    .filter(Boolean)
    .map((entry) => entry.split('=', 1)[0]);
  checks.show('environment', names.join(' '));
  checks.holds('no secret in its environment', environment !== '' && clean(environment!));
  checks.holds('no secret in its arguments', args !== '' && clean(args!));
  const files = await readdir(stage.serviceFolder, { recursive: true });
  const texts = await Promise.all(files.map((file) => readFile(join(stage.serviceFolder, file), 'utf8')));
  checks.holds('no secret in its files', texts.every(clean), `${files.length} files`);
};
