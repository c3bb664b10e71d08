const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * Returns a lease id as the GUID that Microsoft's logs have for a request: the 128 bits of its ULID, in hexadecimal.
 * Sign-in logs show it as the correlation id, and Key Vault's audit events as well.
 */
export function requestIdOf(leaseId: string): string {
  let bits = 0n;
  for (const character of leaseId.slice('ls_'.length)) bits = bits * 32n + BigInt(ALPHABET.indexOf(character));
  const digits = bits.toString(16).padStart(32, '0');
  return [8, 12, 16, 20, 32].map((end, i, ends) => digits.slice(ends[i - 1] ?? 0, end)).join('-');
}
