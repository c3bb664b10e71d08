import type { AttributeDefinition, Registry, SignalDefinition } from './registry.ts';

/** Severity numbers of the OpenTelemetry log data model. */
const SEVERITY_NUMBER: Readonly<Record<string, number>> = { INFO: 9, WARN: 13, ERROR: 17, FATAL: 21 };

/** Returns the module that holds every name of the registry as a constant, and their types. */
export function renderNames(registry: Registry): string {
  const own = registry.groups.flatMap(({ attributes }) => attributes);
  return [
    '// Generated from ../registry by "pnpm generate". A test fails when it is stale.',
    '',
    '/** The schema that these names follow. */',
    `export const SCHEMA_URL = ${quote(registry.schemaUrl)};`,
    '',
    ...own.flatMap((attribute) => [
      `/** ${attribute.brief} */`,
      `export const ${constant('ATTR', attribute.key)} = ${quote(attribute.key)};`,
    ]),
    '// Reused from the semantic conventions of OpenTelemetry.',
    ...[...registry.reused.keys()].map((key) => `export const ${constant('ATTR', key)} = ${quote(key)};`),
    '',
    ...signals('METRIC', registry.metrics),
    ...signals('EVENT', registry.events),
    '/** Every attribute and the type of its value. The values of an enumeration are those known today. */',
    'export interface AttributeTypes {',
    ...own.map((attribute) => `  ${quote(attribute.key)}: ${typeOf(attribute)};`),
    ...[...registry.reused].map(([key, type]) => `  ${quote(key)}: ${type};`),
    '}',
    '',
    '/** The attributes that each metric may carry. None of them names an identity, a lease or a log. */',
    'export const METRIC_ATTRIBUTES = {',
    ...registry.metrics.map(({ name, attributes }) => `  ${quote(name)}: ${list(attributes)},`),
    '} as const;',
    '',
    '/** The attributes that each event may carry. */',
    'export const EVENT_ATTRIBUTES = {',
    ...registry.events.map(({ name, attributes }) => `  ${quote(name)}: ${list(attributes)},`),
    '} as const;',
    '',
    '/** How each metric is measured. */',
    'export const METRICS = {',
    ...registry.metrics.map(
      ({ name, kind, unit, brief, buckets }) =>
        `  ${quote(name)}: { instrument: ${quote(kind)}, unit: ${quote(unit)}, description: ${quote(brief)}, buckets: [${buckets.join(', ')}] },`,
    ),
    '} as const;',
    '',
    '/** How severe each event is, by the OpenTelemetry log data model. */',
    'export const EVENTS = {',
    ...registry.events.map(
      ({ name, severity }) =>
        `  ${quote(name)}: { severityText: ${quote(severity)}, severityNumber: ${severityNumber(name, severity)} },`,
    ),
    '} as const;',
    '',
  ].join('\n');
}

function signals(prefix: string, definitions: readonly SignalDefinition[]): string[] {
  const lines = definitions.flatMap(({ name, brief }) => [
    `/** ${brief} */`,
    `export const ${constant(prefix, name)} = ${quote(name)};`,
  ]);
  return [...lines, ''];
}

function constant(prefix: string, name: string): string {
  return `${prefix}_${name
    .replace(/^tallystick\./, '')
    .replaceAll('.', '_')
    .toUpperCase()}`;
}

function typeOf({ type, values }: AttributeDefinition): string {
  return values.length === 0 ? type : `${values.map(quote).join(' | ')} | (string & {})`;
}

function list(attributes: SignalDefinition['attributes']): string {
  return `[${attributes.map(({ key }) => quote(key)).join(', ')}]`;
}

function severityNumber(name: string, severity: string): number {
  const number = SEVERITY_NUMBER[severity];
  if (number === undefined) throw new Error(`${name}: "${severity}" is not a severity`);
  return number;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
