import { isSpiffeId } from '@tallystick/core';
import type { AdminClient } from './admin-client.ts';
import { askSidecar, jsonText, reasonOf, REASON_OPTION } from './ask-sidecar.ts';
import { publishIssuer } from './issuer-publish.ts';
import { printTrustFile } from './issuer-trust.ts';
import {
  CONFIG_OPTION,
  defineCommand,
  EXIT,
  JSON_OPTION,
  UsageError,
  type ExitCode,
  type Invocation,
} from './command.ts';

/** `tallystick issuer`: what an API, a workload or a cloud needs to trust this issuer, and a new signing key. */
export const issuer = defineCommand({
  name: 'issuer',
  summary: 'export what an API or a workload needs to trust the issuer, publish what a cloud does, and rotate keys',
  operands: 'export | trust | publish | rotate',
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
    identity: { type: 'string', value: 'SPIFFE_ID', doc: 'trust: who the workload is; else any identity' },
    'authorization-servers': {
      type: 'string',
      value: 'URL,URL',
      doc: 'trust: other token endpoints that the workload may make proofs for',
    },
    dir: { type: 'string', value: 'DIR', doc: 'publish: the folder that is served under federation.url' },
    role: { type: 'string', value: 'ROLE', doc: 'rotate: "federation" or "client"; else the key of tokens' },
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
      case 'trust': {
        const { identity, 'authorization-servers': servers } = options;
        return askSidecar(invocation, async (sidecar) => {
          await printTrustFile(sidecar, { identity, servers }, stdout);
          return EXIT.ok;
        });
      }
      case 'publish': {
        const { dir, json = false } = options;
        if (dir === undefined) throw new UsageError('say where to: --dir DIR');
        return askSidecar(invocation, async (sidecar) => {
          await publishIssuer(sidecar, { dir, json, stdout, stderr });
          return EXIT.ok;
        });
      }
      case 'rotate': {
        const reason = reasonOf(options);
        const { role } = options;
        if (role !== undefined)
          return askSidecar(invocation, (sidecar) => rotateRole(sidecar, role, reason, invocation));
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

async function rotateRole(
  sidecar: AdminClient,
  role: string,
  reason: string,
  { options, stdout }: Invocation<typeof JSON_OPTION>,
): Promise<ExitCode> {
  const answer = await sidecar.post('/v1/issuer/assertion-keys/rotate', { role, reason });
  const rotations = answer.rotations as readonly { readonly kid: string; readonly previous: string }[];
  const lines = rotations.map(({ kid, previous }) => `signing with ${kid} instead of ${previous}\n`);
  stdout.write(
    options.json ? jsonText(answer) : `${lines.join('')}publish again: the key after it is in no file yet\n`,
  );
  return EXIT.ok;
}

const KEYS_IN_FILE = `tallystick: the keys in this file are good for 30 days, for the issuer rotates them
  with --jwks URL the API reads them itself
`;
