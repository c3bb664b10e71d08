import { startChild } from '../child.ts';
import type { Answers, BurstCommand, Command, LeasesCommand, RunsCommand, SteadyCommand } from './commands.ts';

/** The load client. */
export interface Load extends Disposable {
  burst(command: Omit<BurstCommand, 'kind'>): Promise<Answers['burst']>;
  steady(command: Omit<SteadyCommand, 'kind'>): Promise<Answers['steady']>;
  leases(command: Omit<LeasesCommand, 'kind'>): Promise<Answers['leases']>;
  runs(command: Omit<RunsCommand, 'kind'>): Promise<Answers['runs']>;
}

/** Starts the load client in a process of its own. */
export async function startLoad(): Promise<Load> {
  const program = await startChild('load');
  const ask = <Kind extends Command['kind']>(command: Command & { kind: Kind }): Promise<Answers[Kind]> =>
    program.ask(command) as Promise<Answers[Kind]>;
  return {
    burst: (command) => ask({ kind: 'burst', ...command }),
    steady: (command) => ask({ kind: 'steady', ...command }),
    leases: (command) => ask({ kind: 'leases', ...command }),
    runs: (command) => ask({ kind: 'runs', ...command }),
    [Symbol.dispose]: () => program[Symbol.dispose](),
  };
}
