import type { DurableFile } from '../../src/record/line-file.ts';

/** A durable file whose every call waits for the test, unless it is told to run. */
export interface MemoryFile extends DurableFile {
  /** The calls so far, in order: `append <lines>`, `close`. */
  readonly calls: string[];
  /** What is on the disk, as text. */
  readonly durable: string;
  /** Ends the call that waits, with an error if one is given. */
  end(error?: unknown): Promise<void>;
  /** From now on calls end at once. */
  run(): void;
}

/** Something that waits for the test. */
export interface Gate {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

export function memoryFile({ running = false } = {}): MemoryFile {
  const calls: string[] = [];
  let durable = '';
  let open: Gate | undefined;
  let free = running;
  const call = async (name: string, done: () => void): Promise<void> => {
    calls.push(name);
    if (open) throw new Error('two calls at a time');
    if (!free) {
      open = Promise.withResolvers<void>();
      try {
        await open.promise;
      } finally {
        open = undefined;
      }
    }
    done();
  };
  return {
    calls,
    get durable() {
      return durable;
    },
    append(bytes) {
      const text = Buffer.from(bytes).toString('utf8');
      return call(`append ${text.split('\n').length - 1}`, () => (durable += text));
    },
    close: () => call('close', () => {}),
    async end(error) {
      if (error === undefined) open!.resolve();
      else open!.reject(error);
      await turns();
    },
    run() {
      free = true;
      open?.resolve();
    },
  };
}

/** Lets everything go on that waits for nothing but promises. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
