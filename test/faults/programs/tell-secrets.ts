// Loaded before a program: tells the test on descriptor 3, and nobody else, each private key and each secret of 32
// bytes that the program makes.
import crypto, { type KeyObject } from 'node:crypto';
import { writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { promisify } from 'node:util';

type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
type Generate = (type: string, options: object, done: (error: Error | null, pair?: Pair) => void) => void;

const { generateKeyPair, generateKeyPairSync, randomBytes } = crypto;

function tell(kind: 'key' | 'random', bytes: Buffer): void {
  writeSync(3, `${JSON.stringify({ kind, hex: bytes.toString('hex') })}\n`);
}

function tellKey({ privateKey }: Pair): void {
  tell('key', Buffer.from(privateKey.export({ format: 'jwk' }).d!, 'base64url'));
}

function telling(type: string, options: object): Promise<Pair> {
  const { promise, resolve, reject } = Promise.withResolvers<Pair>();
  (generateKeyPair as unknown as Generate)(type, options, (error: Error | null, ...made: unknown[]) => {
    if (error) return reject(error);
    const [publicKey, privateKey] = made as [KeyObject, KeyObject];
    tellKey({ publicKey, privateKey });
    resolve({ publicKey, privateKey });
  });
  return promise;
}

Object.assign(crypto, {
  generateKeyPair: Object.assign(() => Promise.reject(new Error('the test knows the promise form alone')), {
    [promisify.custom]: telling,
  }),
  generateKeyPairSync(type: 'ec', options: never) {
    const pair = generateKeyPairSync(type, options) as unknown as Pair;
    tellKey(pair);
    return pair;
  },
  randomBytes(size: number, done?: never) {
    if (done !== undefined) return randomBytes(size, done);
    const bytes = randomBytes(size);
    if (size === 32) tell('random', bytes);
    return bytes;
  },
});
syncBuiltinESMExports();
