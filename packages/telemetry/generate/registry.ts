import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** An attribute as the registry defines it. */
export interface AttributeDefinition {
  readonly key: string;
  /** Its TypeScript type. */
  readonly type: string;
  /** The known values, in order; none unless it is an enumeration. */
  readonly values: readonly string[];
  readonly brief: string;
  readonly examples: readonly string[];
  readonly stability: string;
  /** False for what may not be the label of a metric. */
  readonly onMetrics: boolean;
}

/** A group of attributes, in the order of the registry. */
export interface AttributeGroup {
  readonly name: string;
  readonly brief: string;
  readonly attributes: readonly AttributeDefinition[];
}

/** A span, metric or event: a name and the attributes it carries. */
export interface SignalDefinition {
  readonly id: string;
  readonly name: string;
  readonly brief: string;
  readonly note: string;
  readonly stability: string;
  readonly attributes: readonly { readonly key: string; readonly requirement: string }[];
  /** What else its type of group has. */
  readonly kind: string;
  readonly unit: string;
  readonly buckets: readonly number[];
  readonly severity: string;
}

/** The whole registry, resolved. */
export interface Registry {
  readonly schemaUrl: string;
  readonly groups: readonly AttributeGroup[];
  /** Attributes of OpenTelemetry's own registry that are used here, and their TypeScript types. */
  readonly reused: ReadonlyMap<string, string>;
  readonly spans: readonly SignalDefinition[];
  readonly metrics: readonly SignalDefinition[];
  readonly events: readonly SignalDefinition[];
}

/** The types of what OpenTelemetry's registry v1.45.0 defines; only these may be referred to from here. */
const REUSABLE: ReadonlyMap<string, string> = new Map([
  ['error.type', 'string'],
  ['http.request.method', 'string'],
  ['http.response.status_code', 'number'],
  ['http.route', 'string'],
  ['network.transport', 'string'],
  ['server.address', 'string'],
]);

const TYPES: ReadonlyMap<string, string> = new Map([
  ['string', 'string'],
  ['int', 'number'],
  ['double', 'number'],
  ['boolean', 'boolean'],
]);

interface RawAttribute {
  id?: string;
  ref?: string;
  type?: string | { members: { value: string }[] };
  brief?: string;
  stability?: string;
  examples?: unknown[];
  annotations?: { metric?: string };
  requirement_level?: string | Record<string, string>;
}

interface RawGroup {
  id: string;
  type: string;
  brief: string;
  note?: string;
  stability?: string;
  display_name?: string;
  name?: string;
  metric_name?: string;
  instrument?: string;
  span_kind?: string;
  unit?: string;
  annotations?: { buckets?: number[]; severity?: string };
  attributes?: RawAttribute[];
}

/**
 * Reads the registry in `folder`: files in the form of OpenTelemetry weaver.
 *
 * @throws {Error} A reference leads nowhere, a type is unknown, or a metric carries what may not be on metrics.
 */
export function readRegistry(folder: string): Registry {
  const manifest = parse(readFileSync(join(folder, 'registry_manifest.yaml'), 'utf8')) as Record<string, string>;
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml') && name !== 'registry_manifest.yaml');
  const raw = files
    .sort()
    .flatMap((name) => (parse(readFileSync(join(folder, name), 'utf8')) as { groups: RawGroup[] }).groups);
  const groups = raw.filter(({ type }) => type === 'attribute_group').map(toGroup);
  const own = new Map(groups.flatMap(({ attributes }) => attributes).map((attribute) => [attribute.key, attribute]));
  const reused = new Map<string, string>();
  const signals = (type: string): SignalDefinition[] =>
    raw.filter((group) => group.type === type).map((group) => toSignal(group, own, reused));
  const [spans, metrics, events] = [signals('span'), signals('metric'), signals('event')];
  return {
    schemaUrl: `${manifest['schema_base_url']}${manifest['semconv_version']}`,
    groups,
    reused: new Map([...reused].sort(([a], [b]) => (a < b ? -1 : 1))),
    spans,
    metrics,
    events,
  };
}

function toGroup(group: RawGroup): AttributeGroup {
  return {
    name: group.display_name ?? group.id,
    brief: group.brief,
    attributes: (group.attributes ?? []).map((attribute): AttributeDefinition => {
      const { id, type, brief, stability } = attribute;
      if (!id || !type || !brief || !stability)
        throw new Error(`${group.id}: an attribute lacks id, type, brief or stability`);
      const values = typeof type === 'object' ? type.members.map((member) => member.value) : [];
      const simple = typeof type === 'object' ? 'string' : TYPES.get(type);
      if (!simple) throw new Error(`${id}: unknown type`);
      return {
        key: id,
        type: simple,
        values,
        brief,
        examples: (attribute.examples ?? []).map(String),
        stability,
        onMetrics: attribute.annotations?.metric !== 'never',
      };
    }),
  };
}

function toSignal(
  group: RawGroup,
  own: ReadonlyMap<string, AttributeDefinition>,
  reused: Map<string, string>,
): SignalDefinition {
  const attributes = (group.attributes ?? []).map(({ ref = '', requirement_level: level = 'recommended' }) => {
    const reusable = REUSABLE.get(ref);
    if (reusable) reused.set(ref, reusable);
    else if (!own.has(ref)) throw new Error(`${group.id}: "${ref}" is not in the registry`);
    if (group.type === 'metric' && own.get(ref)?.onMetrics === false) {
      throw new Error(`${group.id}: "${ref}" may not be on a metric`);
    }
    return { key: ref, requirement: typeof level === 'string' ? level : Object.values(level).join() };
  });
  return {
    id: group.id,
    name: group.metric_name ?? group.name ?? group.id,
    brief: group.brief,
    note: group.note ?? '',
    stability: group.stability ?? '',
    attributes,
    kind: group.instrument ?? group.span_kind ?? '',
    unit: group.unit ?? '',
    buckets: group.annotations?.buckets ?? [],
    severity: group.annotations?.severity ?? '',
  };
}
