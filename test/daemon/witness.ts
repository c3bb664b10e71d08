import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { TALLYSTICK } from './daemon.ts';
import { freePort } from '../servers/free-ports.ts';
import { startProgram, type Program } from './program.ts';

/** A witness as a process of its own, over a folder that outlives it. */
export interface WitnessProcess extends AsyncDisposable {
  readonly name: string;
  /** Its submission prefix. */
  readonly url: string;
  readonly vkey: string;
  /** Its line in a policy. */
  readonly policyLine: string;
  kill(): Promise<unknown>;
  /** Starts it again over its state, after it was killed. */
  again(): Promise<void>;
}

/** Starts `tallystick witness`. @param logs Public keys of the logs that it watches. */
export async function startWitness(folder: string, name: string, logs: readonly string[]): Promise<WitnessProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const own = join(folder, name);
  mkdirSync(own, { recursive: true });
  const run = async (): Promise<{ program: Program; vkey: string }> => {
    const options = ['--listen', url, '--state', join(own, 'state'), '--key', join(own, 'key'), '--name', name];
    const [first, ...more] = logs;
    const command = [process.execPath, ...TALLYSTICK, 'witness', ...options, '--log', first!, ...more] as const;
    const program = startProgram({ command, cwd: own });
    const { vkey } = await program.line((line) => line.witness === name);
    return { program, vkey: vkey as string };
  };
  let { program, vkey } = await run();
  return {
    name,
    url,
    vkey,
    policyLine: `witness ${name} ${vkey} ${url}\n`,
    kill: () => program.kill('SIGKILL'),
    async again() {
      ({ program, vkey } = await run());
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
