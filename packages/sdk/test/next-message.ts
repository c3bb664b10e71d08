import { channel } from 'node:diagnostics_channel';
import { onTestFinished } from 'vitest';

/** Resolves with the next message on a channel that passes. */
export function next<T>(name: string, passes: (message: T) => boolean = () => true): Promise<T> {
  return new Promise((resolve) => {
    const listen = (message: unknown): void => {
      if (!passes(message as T)) return;
      channel(name).unsubscribe(listen);
      resolve(message as T);
    };
    channel(name).subscribe(listen);
    onTestFinished(() => {
      channel(name).unsubscribe(listen);
    });
  });
}
