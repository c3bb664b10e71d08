import { fileURLToPath } from 'node:url';
import { runCommand, type Ran } from './command.ts';

const PAGE = fileURLToPath(new URL('../../../packages/audit/verify/verify.py', import.meta.url));

/** Runs the verifier that is a page of Python and openssl, without a line of ours. */
export type PageVerifier = (...args: readonly string[]) => Promise<Ran>;

/** Returns that verifier, or says what this machine lacks for it. */
export async function findPageVerifier(cwd: string): Promise<PageVerifier | string> {
  const version = async (command: string, pattern: RegExp): Promise<boolean> => {
    const word = command === 'openssl' ? 'version' : '--version';
    const ran = await runCommand(command, [word], { cwd, env: process.env }).catch(() => undefined);
    return ran?.code === 0 && pattern.test(ran.stdout);
  };
  if (!(await version('python3', /^Python 3\.(?:[89]|\d\d)/))) return 'no python3 (3.8 or later)';
  if (!(await version('openssl', /^OpenSSL [3-9]/))) return 'no openssl (3.0 or later)';
  return (...args) => runCommand('python3', [PAGE, ...args], { cwd, env: process.env });
}
