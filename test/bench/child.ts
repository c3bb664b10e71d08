import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A program of `programs/`, as a process of its own. */
export interface Child extends Disposable {
  /** The value that it told when it was ready. */
  readonly ready: unknown;
  /** Sends it one message and returns its answer; one at a time. @throws {Error} What it failed with. */
  ask(message: object): Promise<unknown>;
}

/** Starts a program, which answers each message, and says that it is ready by an answer to none. */
export async function startChild(name: string, argument: object = {}): Promise<Child> {
  const child = fork(fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url)), [JSON.stringify(argument)], {
    execArgv: ['--conditions=@tallystick/source', '--disable-warning=ExperimentalWarning'],
    serialization: 'advanced',
  });
  const answer = async (): Promise<unknown> => {
    const [message] = (await Promise.race([once(child, 'message'), ended])) as [{ answer?: unknown; error?: string }];
    if (message.error !== undefined) throw new Error(`${name}: ${message.error}`);
    return message.answer;
  };
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${name} ended: ${String(signal ?? code)}`);
  });
  ended.catch(() => {});
  return {
    ready: await answer(),
    ask(message) {
      child.send(message);
      return answer();
    },
    [Symbol.dispose]() {
      child.disconnect();
      // At once: what it works on may be removed next.
      child.kill('SIGKILL');
    },
  };
}
