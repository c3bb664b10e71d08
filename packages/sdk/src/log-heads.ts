import { readLogHead } from '@tallystick/protocol';
import { RecentMap } from './recent-map.ts';

/** How many logs of one sidecar are remembered: it begins a new one rarely. */
const MAX_LOGS = 4;

/**
 * The newest signed head of each log that the sidecar has shown. To show it again finds a sidecar out whose log was set
 * back meanwhile, to an older copy or by a disk that forgot: this process is a witness that no such copy covers.
 */
export class LogHeads {
  readonly #newest = new RecentMap<string, { readonly size: number; readonly text: string }>(MAX_LOGS);
  #last: string | undefined;

  /** Keeps a head, unless a longer one of the same log is known. What is no head is ignored. */
  learn(text: string | undefined): void {
    const head = text === undefined ? undefined : readLogHead(text);
    if (head === undefined) return;
    const { origin, size } = head;
    const known = this.#newest.get(origin);
    this.#newest.set(origin, known && known.size >= size ? known : { size, text: text! });
    this.#last = origin;
  }

  /** The newest head of the log that was shown last; undefined where none was. */
  get newest(): string | undefined {
    return this.#last === undefined ? undefined : this.#newest.get(this.#last)?.text;
  }
}
