import { generateHolderKey, ProofError, readProof, type HolderKey, type Proof, type ProofFault } from '../src/index.ts';

export const key: HolderKey = await generateHolderKey();

/** The claims of a proof that is good. */
export const CLAIMS = {
  jti: 'e1j3V_bKic8-LAEB',
  htm: 'POST',
  htu: 'https://ledger.acme.example/v1/journals',
  iat: 1_700_000_000,
};

export const encode = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url');

/** A signed proof whose header and claims are good but for what is given; `undefined` takes a member away. */
export function forge(
  over: { header?: Record<string, unknown>; claims?: Record<string, unknown>; key?: HolderKey } = {},
): string {
  const by = over.key ?? key;
  return signed(
    JSON.stringify({ typ: 'dpop+jwt', alg: by.alg, jwk: by.publicJwk, ...over.header }),
    JSON.stringify({ ...CLAIMS, ...over.claims }),
    by,
  );
}

/** A JWS over two parts of any bytes. */
export function signed(header: string | Uint8Array, claims: string | Uint8Array, by: HolderKey = key): string {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${by.sign(input).toString('base64url')}`;
}

/** The fault for which `readProof` refuses, or the proof where it does not. */
export function verdict(header: string | readonly string[] | undefined): ProofFault | Proof {
  try {
    return readProof(header);
  } catch (error) {
    if (error instanceof ProofError) return error.fault;
    throw error;
  }
}
