import { isSpiffeId } from '@tallystick/core';
import { askSidecar, jsonText, reasonOf, REASON_OPTION } from './ask-sidecar.ts';
import { CONFIG_OPTION, defineCommand, EXIT, JSON_OPTION, UsageError } from './command.ts';

/** `tallystick issuer`: what an API needs to trust this issuer, and a new signing key. */
export const issuer = defineCommand({
  name: 'issuer',
  summary: 'export what an API needs to trust the issuer, and rotate its key',
  operands: 'export | rotate',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    ...REASON_OPTION,
    jwks: { type: 'string', value: 'URL', doc: 'export: where the API reads the keys; else they are in the file' },
    revocations: { type: 'string', value: 'URL', doc: 'export: where the API reads what was revoked' },
    subject: {
      type: 'string',
      value: 'SPIFFE_ID',
      doc: 'export: whom the API accepts; one that ends in "/" is a prefix',
    },
  },
  run(invocation) {
    const { options, positionals, stdout, stderr } = invocation;
    const [action = 'export', ...more] = positionals;
    if (more.length > 0) throw new UsageError('too many arguments');
    switch (action) {
      case 'export':
        return askSidecar(invocation, async (sidecar) => {
          const { issuer: url, jwks, trust_domain: trustDomain } = await sidecar.get('/v1/issuer');
          const all = `spiffe://${String(trustDomain)}/`;
          const { subject = all } = options;
          if (!subject.startsWith(all) || !isSpiffeId(subject.replace(/\/$/, '')))
            throw new UsageError(`--subject is not in the trust domain of this issuer: write ${all}, or more of it`);
          stdout.write(
            jsonText({
              issuer: url,
              jwks: options.jwks ?? jwks,
              subjects: [subject],
              revocations: options.revocations,
            }),
          );
          if (options.jwks === undefined) stderr.write(KEYS_IN_FILE);
          return EXIT.ok;
        });
      case 'rotate': {
        const reason = reasonOf(options);
        return askSidecar(invocation, async (sidecar) => {
          const answer = await sidecar.post('/v1/issuer/rotate', { reason });
          const text = `signing with ${String(answer.kid)}; ${String(answer.previous)} is published until its last token has expired\n`;
          stdout.write(options.json ? jsonText(answer) : text);
          return EXIT.ok;
        });
      }
      default:
        throw new UsageError(`there is no "issuer ${action}"`);
    }
  },
});

const KEYS_IN_FILE = `tallystick: the keys in this file are good for 30 days, for the issuer rotates them
  with --jwks URL the API reads them itself
`;
