import { TallystickError, type Secret } from '@tallystick/core';

/** A key that the SDK made for one certificate. Its private half is in nothing that is sent. */
export interface CertifiedKey {
  /** What the request for a certificate says of it. */
  readonly applicant: { readonly csr?: string; readonly publicKey?: string };
  /** The private key, in the form that those who use the certificate take. */
  readonly key: Secret;
  /** True for a certificate of this key. */
  fits(certificate: string): boolean;
}

/** The keys of one credential: the one that waits for its certificate, and the one that has it. */
export class CertifiedKeys {
  readonly #make: () => Promise<CertifiedKey>;
  #waiting: CertifiedKey | undefined;
  #certified: CertifiedKey | undefined;

  constructor(make: () => Promise<CertifiedKey>) {
    this.#make = make;
  }

  /** Returns the key to ask with: a new one, unless the last request for its certificate has failed. */
  async next(): Promise<CertifiedKey> {
    return (this.#waiting ??= await this.#make());
  }

  /**
   * Returns the key of a certificate: of the one that was asked for, or of the one there is, which a sidecar gives again
   * where its time to be replaced has not come.
   *
   * @throws {TallystickError} `protocol_error`: it is for no key of ours.
   */
  certified(certificate: string): CertifiedKey {
    if (this.#waiting?.fits(certificate)) {
      this.#certified = this.#waiting;
      this.#waiting = undefined;
    }
    if (!this.#certified?.fits(certificate)) {
      throw new TallystickError('protocol_error', 'the sidecar gave a certificate that is not for our key');
    }
    return this.#certified;
  }
}
