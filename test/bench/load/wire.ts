import { connect, type NetConnectOpts, type Socket } from 'node:net';

/** One answer, as bytes: what a load client can afford to look at. */
export class Answer {
  readonly status: number;
  readonly #bytes: Buffer;
  readonly #bodyAt: number;

  constructor(bytes: Buffer, bodyAt: number) {
    this.#bytes = bytes;
    this.#bodyAt = bodyAt;
    // "HTTP/1.1 200"
    this.status = Number(bytes.toString('latin1', 9, 12));
  }

  header(name: string): string | undefined {
    return new RegExp(`\r\n${name}: ([^\r]*)`, 'i').exec(this.#bytes.toString('latin1', 0, this.#bodyAt))?.[1];
  }

  body(): string {
    return this.#bytes.toString('utf8', this.#bodyAt);
  }
}

/**
 * One connection that is kept alive, on a plain socket: an HTTP client would cost more than what is measured. One
 * request at a time; every answer must have a `Content-Length`.
 */
export class Wire {
  readonly #socket: Socket;
  #bytes: Buffer | undefined;
  #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#waiting?.reject(error));
    socket.on('close', () => this.#waiting?.reject(new Error('the connection was closed')));
  }

  static open(to: NetConnectOpts): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = connect(to);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Wire(socket));
      });
    });
  }

  get isFree(): boolean {
    return this.#waiting === undefined;
  }

  exchange(request: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const bytes = this.#bytes ? Buffer.concat([this.#bytes, chunk]) : chunk;
    const headEnd = bytes.indexOf('\r\n\r\n');
    const length = headEnd < 0 ? undefined : lengthOf(bytes, headEnd);
    if (length === undefined || bytes.length < headEnd + 4 + length) {
      this.#bytes = bytes;
      return;
    }
    this.#bytes = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(new Answer(bytes, headEnd + 4));
  }
}

function lengthOf(bytes: Buffer, headEnd: number): number {
  const at = bytes.toString('latin1', 0, headEnd).toLowerCase().indexOf('content-length: ');
  if (at < 0) throw new Error('the answer has no Content-Length');
  return Number.parseInt(bytes.toString('latin1', at + 16, at + 26), 10);
}
