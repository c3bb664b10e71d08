import { posix } from 'node:path';
import type { IdentityObject } from '@tallystick/core';
import { parseSelector, type Selector } from './selector.ts';
import type { Caution, WarningInput } from './warning.ts';

type Facts = ReadonlyMap<Selector['kind'], string>;

interface Alternative {
  readonly identity: IdentityObject;
  readonly facts: Facts;
}

/** Executables that say nothing of the program they run. */
const INTERPRETERS = new Set(['node', 'nodejs', 'bun', 'deno', 'python', 'python3', 'java', 'ruby', 'sh', 'bash']);

/** Warns of matches that cannot tell one service from the next. */
export function* warnMatches({ config, at }: WarningInput): Generator<Caution> {
  const seen = new Map<string, Alternative[]>();
  for (const identity of config.identities) {
    const told = new Set<IdentityObject>();
    for (const selectors of identity.match) {
      const facts = factsOf(selectors);
      const candidates = keysToCompare(facts).flatMap((key) => seen.get(key) ?? []);
      const other = candidates.find((each) => each.identity !== identity && couldBeOne(each.facts, facts));
      if (other && !told.has(other.identity)) {
        told.add(other.identity);
        yield shared(at(identity), identity, other.identity, facts.size === other.facts.size);
      }
      for (const key of keysToKeep(facts)) {
        const kept = seen.get(key);
        if (kept) kept.push({ identity, facts });
        else seen.set(key, [{ identity, facts }]);
      }
      yield* warnPath(identity, facts, at(identity));
      yield* warnOverflow(identity, facts, at(identity));
    }
  }
}

/**
 * A thousand services on one socket are told apart by their uids: alternatives are kept under uid and socket, so that
 * only those are compared that neither tells apart.
 */
function keysToKeep(facts: Facts): readonly string[] {
  const { uid, socket } = { uid: facts.get('uid'), socket: facts.get('socket') };
  return [
    `${uid ?? ''}|${socket ?? ''}`,
    ...(uid === undefined ? [] : [`${uid}|*`]),
    ...(socket === undefined ? [] : [`*|${socket}`]),
  ];
}

function keysToCompare(facts: Facts): readonly string[] {
  const { uid, socket } = { uid: facts.get('uid'), socket: facts.get('socket') };
  if (uid === undefined) return socket === undefined ? [] : [`*|${socket}`];
  return socket === undefined ? [`${uid}|*`] : [`${uid}|${socket}`, `${uid}|`, `|${socket}`];
}

/** A path is that of the process's own mounts: in a namespace of its own, any user shows whichever it likes. */
function* warnPath({ id }: IdentityObject, facts: Facts, at: Caution['path']): Generator<Caution> {
  const path = facts.get('path');
  if (path === undefined || facts.has('uid') || facts.has('socket')) return;
  const name = posix.basename(path);
  const remedy = 'add a unix:uid or a tallystick:socket selector: one uid or one socket per service';
  if (INTERPRETERS.has(name)) {
    yield {
      code: 'match_interpreter',
      path: at,
      message: `${id} matches by the path of "${name}", which is the same for every program that it runs`,
      remedy,
    };
  } else if (!facts.has('gid')) {
    yield {
      code: 'match_path_alone',
      path: at,
      message: `${id} matches by the path of its executable alone, which any user of this machine can imitate`,
      remedy,
    };
  }
}

/** What the kernel shows for a user who has no number here: every peer of a foreign user namespace. */
const OVERFLOW_UID = '65534';

function* warnOverflow({ id }: IdentityObject, facts: Facts, at: Caution['path']): Generator<Caution> {
  if (facts.get('uid') !== OVERFLOW_UID || facts.has('socket')) return;
  yield {
    code: 'match_overflow_uid',
    path: at,
    message: `${id} matches uid ${OVERFLOW_UID}, which is also shown for every user of another user namespace`,
    remedy: 'run the workload as a user of its own, or add a tallystick:socket selector',
  };
}

function shared(path: Caution['path'], { id }: IdentityObject, other: IdentityObject, identical: boolean): Caution {
  return {
    code: 'match_shared',
    path,
    message: identical
      ? `${id} has the match of ${other.id}: every workload of the one is one of the other`
      : `${id} can match a workload of ${other.id} too: nothing tells them apart for sure`,
    remedy:
      'give each service a uid or a workload socket of its own; else workloads have to name the identity they mean',
  };
}

/** True when one process could fulfil both: they differ in no fact that both name. */
function couldBeOne(a: Facts, b: Facts): boolean {
  for (const [kind, value] of a) {
    const other = b.get(kind);
    if (other !== undefined && other !== value) return false;
  }
  return true;
}

function factsOf(selectors: readonly string[]): Facts {
  const facts = new Map<Selector['kind'], string>();
  for (const text of selectors) {
    const selector = parseSelector(text);
    if (typeof selector !== 'string') facts.set(selector.kind, selector.value);
  }
  return facts;
}
