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
  const groups = new Map<string, Alternative[]>();
  for (const identity of config.identities) {
    const told = new Set<IdentityObject>();
    for (const selectors of identity.match) {
      const facts = factsOf(selectors);
      for (const kind of ['uid', 'socket'] as const) {
        if (!facts.has(kind)) continue;
        const key = `${kind}:${facts.get(kind)}`;
        const group = groups.get(key) ?? [];
        groups.set(key, group);
        const other = group.find((each) => each.identity !== identity && couldBeOne(each.facts, facts));
        if (other && !told.has(other.identity)) {
          told.add(other.identity);
          yield shared(at(identity), identity, other.identity, facts.size === other.facts.size);
        }
        group.push({ identity, facts });
      }
      const path = facts.get('path');
      if (path !== undefined && INTERPRETERS.has(posix.basename(path)) && !facts.has('uid') && !facts.has('socket')) {
        yield {
          code: 'match_interpreter',
          path: at(identity),
          message: `${identity.id} matches by the path of "${posix.basename(path)}", which is the same for every program that it runs`,
          remedy: 'add a unix:uid or a tallystick:socket selector: one uid or one socket per service',
        };
      }
    }
  }
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
