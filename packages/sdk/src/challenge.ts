/** The parameters of one challenge, names in lower case. */
export type ChallengeParameters = ReadonlyMap<string, string>;

/**
 * Returns the parameters of the first challenge of scheme `scheme` in a `WWW-Authenticate` value, which may hold
 * several (RFC 9110 §11.6.1), or undefined when there is none.
 *
 * A server that is not understood gets no retry, so the reader stops at the first thing that is not in the grammar.
 */
export function findChallenge(header: string, scheme: string): ChallengeParameters | undefined {
  const wanted = scheme.toLowerCase();
  let found: Map<string, string> | undefined;
  let at = 0;
  while (at < header.length) {
    AUTH_PARAM.lastIndex = at;
    const param = AUTH_PARAM.exec(header);
    if (param) {
      const name = param[1]!.toLowerCase();
      // A parameter given twice has no meaning (RFC 9110 §11.2): the first one stands.
      if (found && !found.has(name)) found.set(name, param[2] === undefined ? unquote(param[3]!) : param[2]);
      at = AUTH_PARAM.lastIndex;
      continue;
    }
    AUTH_SCHEME.lastIndex = at;
    const next = AUTH_SCHEME.exec(header);
    // A challenge that follows ends the one we came for.
    if (!next || found) return found;
    if (next[1]!.toLowerCase() === wanted) found = new Map();
    at = AUTH_SCHEME.lastIndex;
  }
  return found;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const AUTH_PARAM = new RegExp(
  `[ \\t,]*(${TOKEN})[ \\t]*=[ \\t]*(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)")[ \\t]*(?=,|$)`,
  'y',
);
// The scheme, and after it a token68 where it has one instead of parameters.
const AUTH_SCHEME = new RegExp(`[ \\t,]*(${TOKEN})(?:[ \\t]+[A-Za-z0-9._~+/-]+=*[ \\t]*(?=,|$)|[ \\t]+|(?=,|$))`, 'y');

function unquote(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}
