import { askSidecar, jsonText, reasonOf, REASON_OPTION } from './ask-sidecar.ts';
import { CONFIG_OPTION, defineCommand, EXIT, JSON_OPTION, UsageError } from './command.ts';
import { table } from './table.ts';

interface ListedLease {
  readonly id: string;
  readonly identity: string;
  readonly credential: string;
  readonly provider: string;
  readonly type: string;
  readonly binding: string;
  /** Thumbprints of their keys. */
  readonly holders: readonly string[];
  /** How many of them have an event stream open. */
  readonly listening: number;
  readonly rotate_at: string;
  readonly expires_at: string;
}

/** `tallystick leases`: list them, end them early, and have them replaced. */
export const leases = defineCommand({
  name: 'leases',
  summary: 'list, revoke and rotate leases',
  operands: 'list | revoke [ID] | rotate [ID]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    ...REASON_OPTION,
    identity: { type: 'string', value: 'SPIFFE_ID', doc: 'revoke or rotate all leases of an identity' },
    jkt: { type: 'string', value: 'THUMBPRINT', doc: 'revoke or rotate all leases of a key; revoke also bars the key' },
  },
  run(invocation) {
    const { options, positionals, stdout } = invocation;
    const [action = 'list', id, ...more] = positionals;
    if (more.length > 0) throw new UsageError('too many arguments');
    switch (action) {
      case 'list':
        return askSidecar(invocation, async (sidecar) => {
          const answer = await sidecar.get('/v1/leases');
          const listed = answer.leases as readonly ListedLease[];
          const lines = table(
            ['lease', 'identity', 'credential', 'provider', 'type', 'binding', 'holders', 'rotates', 'expires'],
            listed.map((each) => [
              each.id,
              each.identity,
              each.credential,
              each.provider,
              each.type,
              each.binding,
              `${each.holders.length} (${each.listening} listening)`,
              each.rotate_at,
              each.expires_at,
            ]),
          );
          const total = Number(answer.total);
          if (total > listed.length) lines.push(`… and ${total - listed.length} more`);
          stdout.write(options.json ? jsonText(answer) : `${lines.join('\n')}\n`);
          return EXIT.ok;
        });
      case 'revoke':
      case 'rotate': {
        const { identity, jkt } = options;
        if ([id, identity, jkt].every((named) => named === undefined)) {
          throw new UsageError(`name a lease id, --identity or --jkt: tallystick leases ${action} ID`);
        }
        const reason = reasonOf(options);
        return askSidecar(invocation, async (sidecar) => {
          const answer = await sidecar.post(`/v1/leases/${action}`, { id, identity, jkt, reason });
          const done = (answer.revoked ?? answer.rotating) as readonly string[];
          const text = `${action === 'revoke' ? 'revoked' : 'asked to rotate'}: ${done.length}\n`;
          stdout.write(options.json ? jsonText(answer) : text);
          return done.length > 0 ? EXIT.ok : EXIT.notOk;
        });
      }
      default:
        throw new UsageError(`there is no "leases ${action}"`);
    }
  },
});
