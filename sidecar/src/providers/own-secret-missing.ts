import { NotSent } from './not-sent.ts';

/**
 * That an upstream was not asked because another one did not give the secret to sign in with. It tells nothing of the one
 * that was to be asked.
 */
export class OwnSecretMissing extends NotSent {}
