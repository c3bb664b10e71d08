import { checkReplica } from './replica-rules.ts';
import type { Config } from './config.ts';
import { buildConfig } from './build-config.ts';
import { checkCertificates } from './certificate-rules.ts';
import { nameOf, type Fault, type Mistake, type Report } from './fault.ts';
import { checkFederation } from './federation-rules.ts';
import { FEATURES, FILE, FILE_VERSION, type FileValue } from './file-shape.ts';
import { checkIdentities } from './identity-rules.ts';
import { checkListeners } from './listener-rules.ts';
import { isMapping } from './shape.ts';
import { checkSignIns } from './sign-in-rules.ts';
import { checkSockets } from './socket-rules.ts';
import { readUpstreamCredentials } from './upstream-rules.ts';
import { parseYaml, type ParsedYaml } from './yaml.ts';

/** A configuration without a mistake, and what connects it with its file. */
export interface ValidConfig {
  readonly config: Config;
  /** Index of each identity in the file, by id. */
  readonly identityIndex: ReadonlyMap<string, number>;
}

/** A configuration, or every mistake that keeps it from being one. */
export type ParseResult =
  | ({ readonly ok: true; readonly explain: ParsedYaml['explain'] } & ValidConfig)
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

/** What a text may be at most. A thousand identities take about half a megabyte. */
export const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** More than this help nobody, and a file of nonsense has millions. */
const MAX_MISTAKES = 1000;

/** Parses the text of a configuration file. Never throws. */
export function parseConfig(text: string): ParseResult {
  // A byte order mark would shift the columns of the first line.
  const source = parseYaml(text.replace(/^\uFEFF/, ''));
  const faults: Fault[] = [];
  const valid = source.value === undefined ? undefined : validateConfig(source.value, (fault) => faults.push(fault));
  const mistakes = [...source.mistakes, ...faults.slice(0, MAX_MISTAKES).map(source.explain)];
  if (valid && mistakes.length === 0) return { ok: true, ...valid, explain: source.explain };
  if (faults.length > MAX_MISTAKES) mistakes.push(andMore(faults.length - MAX_MISTAKES));
  return { ok: false, mistakes: mistakes.toSorted(byPlace) };
}

/**
 * Judges a configuration that is data already: what YAML or JSON gives, or a test writes.
 *
 * @returns The configuration, or undefined when something was reported.
 */
export function validateConfig(value: unknown, report: Report): ValidConfig | undefined {
  let faulty = false;
  const noting: Report = (fault) => {
    faulty = true;
    report(fault);
  };
  // What asks for a newer version cannot be judged by this one: its unknown keys are no mistakes.
  checkVersion(value, noting);
  if (faulty) return undefined;
  const file = FILE.read(value, [], noting);
  if (!file) return undefined;
  checkSockets(file, noting);
  checkListeners(file, noting);
  checkReplica(file, noting);
  checkFederation(file, noting);
  const upstream = readUpstreamCredentials(file, noting);
  checkCertificates(file, upstream, noting);
  checkSignIns(file, upstream, noting);
  checkIdentities(file, upstream, noting);
  if (faulty) return undefined;
  const whole = file as FileValue;
  return { config: buildConfig(whole, upstream), identityIndex: new Map(whole.identities.map(({ id }, i) => [id, i])) };
}

function checkVersion(value: unknown, report: Report): void {
  if (!isMapping(value)) return;
  const refuse = (path: Fault['path'], message: string): void =>
    report({
      path,
      place: 'value',
      kind: 'schema',
      message: `${nameOf(path)} ${message}`,
      remedy: 'run a newer version of Tallystick; the rest of the file was not judged',
    });
  if (typeof value.version === 'number' && value.version > FILE_VERSION) {
    refuse(['version'], `is newer than ${FILE_VERSION}, the one that this version of Tallystick reads`);
  }
  if (!Array.isArray(value.requires)) return;
  value.requires.forEach((feature: unknown, i) => {
    if (typeof feature === 'string' && !(FEATURES as readonly string[]).includes(feature)) {
      refuse(['requires', i], `names a feature that this version of Tallystick lacks; it has ${FEATURES.join(', ')}`);
    }
  });
}

function andMore(count: number): Mistake {
  return {
    line: undefined,
    column: undefined,
    path: '',
    message: `the file has ${count} more mistakes`,
    remedy: 'correct those above first',
  };
}

function byPlace(a: Mistake, b: Mistake): number {
  return (a.line ?? Infinity) - (b.line ?? Infinity) || (a.column ?? 0) - (b.column ?? 0) || 0;
}
