import { EVENT_ID, getScalarValue, SCALAR_STYLE, type Event } from 'js-yaml';
import type { Fault, Path } from './fault.ts';

/** Where each value of a YAML document stands, in offsets into its text. */
export interface Places {
  /** Returns where a value, or its key, stands; of a path that leaves the document, where its last known part does. */
  offsetOf(path: Path, place: Fault['place']): number;
  /** Keys that a mapping gives again, each at the second time. */
  readonly duplicates: readonly { readonly path: Path; readonly offset: number }[];
}

interface Place {
  readonly key: number;
  readonly value: number;
  readonly members: ReadonlyMap<string | number, Place>;
}

/**
 * Returns the places of the first document in a stream of events. Costs as much as parsing, so it is asked for only
 * where there is something to explain.
 */
export function yamlPlaces(source: string, events: readonly Event[]): Places {
  const duplicates: { path: Path; offset: number }[] = [];
  let cursor = 1;

  const readPlace = (path: Path, key: number): Place => {
    const event = events[cursor++]!;
    const members = new Map<string | number, Place>();
    if (event.type === EVENT_ID.SEQUENCE) {
      for (let i = 0; events[cursor]!.type !== EVENT_ID.POP; i++) members.set(i, readPlace([...path, i], -1));
      cursor++;
    } else if (event.type === EVENT_ID.MAPPING) {
      while (events[cursor]!.type !== EVENT_ID.POP) readMember(path, members);
      cursor++;
    }
    return { key, value: startOf(event, key), members };
  };

  const readMember = (path: Path, members: Map<string | number, Place>): void => {
    const event = events[cursor]!;
    if (event.type !== EVENT_ID.SCALAR) {
      // A mapping or list as a key: the parser refuses it, and names the line.
      readPlace(path, -1);
      readPlace(path, -1);
      return;
    }
    cursor++;
    const name = getScalarValue(source, event);
    const at = [...path, name];
    const offset = startOf(event, -1);
    if (members.has(name)) duplicates.push({ path: at, offset });
    const place = readPlace(at, offset);
    if (!members.has(name)) members.set(name, place);
  };

  const root = events.length > 1 ? readPlace([], -1) : undefined;
  return {
    duplicates,
    offsetOf(path, place) {
      let found = root;
      let reached = 0;
      for (; found && reached < path.length; reached++) {
        const next = found.members.get(path[reached]!);
        if (!next) break;
        found = next;
      }
      if (!found) return 0;
      return Math.max(0, place === 'key' && reached === path.length && found.key >= 0 ? found.key : found.value);
    },
  };
}

/** Where a value begins to the eye: at its quote. An empty one stands at its key. */
function startOf(event: Event, key: number): number {
  switch (event.type) {
    case EVENT_ID.SCALAR: {
      if (event.valueStart < 0) return key;
      const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
      return event.valueStart - (quoted ? 1 : 0);
    }
    case EVENT_ID.ALIAS:
      return event.anchorStart - 1;
    case EVENT_ID.SEQUENCE:
    case EVENT_ID.MAPPING:
      return event.start;
    default:
      return key;
  }
}
