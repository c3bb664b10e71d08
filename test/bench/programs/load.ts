// The load client, in a process of its own: it does one command after the other, and tells what came of each.
import { burst } from '../load/burst.ts';
import type { Answers, Command } from '../load/commands.ts';
import { leases } from '../load/leases.ts';
import { runs } from '../load/runs.ts';
import { steady } from '../load/steady.ts';

process.on('message', (command: Command) => {
  run(command).then(
    (answer) => process.send!({ answer }),
    (error: unknown) => process.send!({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
process.send!({ answer: 'ready' });

function run(command: Command): Promise<Answers[Command['kind']]> {
  switch (command.kind) {
    case 'burst':
      return burst(command);
    case 'steady':
      return steady(command);
    case 'leases':
      return leases(command);
    case 'runs':
      return runs(command);
  }
}
