import { writeFile } from 'node:fs/promises';
import { CONFIG_OPTION, configPathOf, defineCommand, EXIT, JSON_OPTION, UsageError } from './command.ts';
import { isTrustDomain } from '@tallystick/core';
import { starterConfig, starterPlaces } from './starter-config.ts';

/** Writes a configuration to begin with. */
export const init = defineCommand({
  name: 'init',
  summary: 'write a commented configuration to begin with',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    'trust-domain': { type: 'string', value: 'NAME', doc: 'the trust domain; else example.internal' },
  },
  async run(invocation) {
    const { options, stdout, stderr, environment, clock } = invocation;
    const path = configPathOf(invocation);
    const trustDomain = options['trust-domain'] ?? 'example.internal';
    if (!isTrustDomain(trustDomain))
      throw new UsageError('--trust-domain is not a trust domain: write a name such as acme.example');
    const uid = process.getuid?.() ?? 1000;
    const places = starterPlaces(environment, uid);
    const text = starterConfig({ trustDomain, places, uid, nowMs: clock.nowMs() });
    try {
      await writeFile(path, text, { flag: 'wx' });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      stderr.write(
        code === 'EEXIST'
          ? `tallystick: ${path} is there already\n  remove it, or give another with --config\n`
          : `tallystick: ${path} cannot be written: ${code ?? 'unknown error'}\n  give another path with --config\n`,
      );
      return EXIT.notOk;
    }
    const next = '  next: edit it, then "tallystick check" and "tallystick run"\n';
    const socket = places.expected ? '' : `  services find it by TALLYSTICK_SOCKET=unix://${places.workload}\n`;
    stdout.write(options.json ? `${JSON.stringify({ file: path })}\n` : `wrote ${path}\n${next}${socket}`);
    return EXIT.ok;
  },
});
