import { askSidecar, jsonText, reasonOf, REASON_OPTION } from './ask-sidecar.ts';
import { CONFIG_OPTION, defineCommand, EXIT, JSON_OPTION, UsageError } from './command.ts';
import { table } from './table.ts';

interface ListedIdentity {
  readonly id: string;
  readonly owner: string;
  readonly environment: string;
  readonly state: string;
  readonly expires: string;
  readonly entitlements: readonly string[];
}

interface ListedPeer {
  readonly socket: string;
  readonly pid: number;
  readonly count: number;
  readonly last: string;
  readonly selectors: readonly string[];
}

/** `tallystick identities`: list them, take their rights away and give them back, and see whom none of them matches. */
export const identities = defineCommand({
  name: 'identities',
  summary: 'list, suspend and resume identities, and explain workloads that match none',
  operands: 'list | suspend ID | resume ID | explain',
  options: { ...CONFIG_OPTION, ...JSON_OPTION, ...REASON_OPTION },
  run(invocation) {
    const { options, positionals, stdout } = invocation;
    const [action = 'list', id, ...more] = positionals;
    if (more.length > 0) throw new UsageError('too many arguments');
    const print = (answer: unknown, lines: () => readonly string[]): void => {
      stdout.write(options.json ? jsonText(answer) : `${lines().join('\n')}\n`);
    };
    switch (action) {
      case 'list':
        return askSidecar(invocation, async (sidecar) => {
          const answer = await sidecar.get('/v1/identities');
          print(answer, () =>
            table(
              ['identity', 'owner', 'environment', 'state', 'expires', 'entitlements'],
              (answer.identities as readonly ListedIdentity[]).map((each) => [
                each.id,
                each.owner,
                each.environment,
                each.state,
                each.expires,
                each.entitlements.join(', '),
              ]),
            ),
          );
          return EXIT.ok;
        });
      case 'explain':
        return askSidecar(invocation, async (sidecar) => {
          const answer = await sidecar.get('/v1/identities/explain');
          const unmatched = answer.unmatched as readonly ListedPeer[];
          print(answer, () =>
            unmatched.length === 0
              ? ['no workload was refused for want of an identity since the sidecar started']
              : table(
                  ['socket', 'pid', 'times', 'last', 'match: [selectors]'],
                  unmatched.map((each) => [
                    each.socket,
                    String(each.pid),
                    String(each.count),
                    each.last,
                    each.selectors.join(', '),
                  ]),
                ),
          );
          return EXIT.ok;
        });
      case 'suspend':
      case 'resume': {
        if (id === undefined) throw new UsageError(`name the identity: tallystick identities ${action} ID`);
        const reason = reasonOf(options);
        return askSidecar(invocation, async (sidecar) => {
          const answer = await sidecar.post(`/v1/identities/${action}`, { id, reason });
          const ended = action === 'suspend' ? `; leases ended: ${String(answer.leases_ended)}` : '';
          print(answer, () => [`${id} is ${String(answer.state)} on ${String(answer.scope)}${ended}`]);
          return EXIT.ok;
        });
      }
      default:
        throw new UsageError(`there is no "identities ${action}"`);
    }
  },
});
