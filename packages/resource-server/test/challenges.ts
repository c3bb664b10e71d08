/** One challenge of a `WWW-Authenticate` header. */
export interface ParsedChallenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Reads `WWW-Authenticate` by RFC 9110 §11.6.1, quoted strings alone. Throws where it is not that. */
export function parseChallenges(value: string): readonly ParsedChallenge[] {
  const challenges: ParsedChallenge[] = [];
  let rest = value;
  while (rest !== '') {
    const scheme = /^([A-Za-z]+)(?: |$|, )/.exec(rest);
    if (!scheme) throw new Error(`no scheme at: ${rest}`);
    rest = rest.slice(scheme[1]!.length).replace(/^ /, '');
    const parameters: Record<string, string> = {};
    for (;;) {
      const parameter = /^(?:, )?([a-z_]+)="([^"\\]*)"/.exec(rest);
      if (!parameter) break;
      parameters[parameter[1]!] = parameter[2]!;
      rest = rest.slice(parameter[0].length);
    }
    rest = rest.replace(/^, /, '');
    challenges.push({ scheme: scheme[1]!, parameters });
  }
  return challenges;
}
