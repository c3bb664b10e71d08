import type { AttributeDefinition, Registry, SignalDefinition } from './registry.ts';

/** Returns the registry as a page for people. */
export function renderMarkdown(registry: Registry): string {
  return [
    '# The names registry',
    '',
    'Generated from the YAML files beside it by `pnpm generate`; a test fails when it is stale. The files are in the form',
    'of [OpenTelemetry weaver](https://github.com/open-telemetry/weaver). Schema: `' + registry.schemaUrl + '`.',
    '',
    'Every name is written by some package; a test holds it. What is to come gets its name when it is written.',
    '',
    '## Attributes',
    '',
    '*Metrics* says whether an attribute may be the label of a metric.',
    '',
    ...registry.groups.flatMap((group) => [
      `### ${group.name}`,
      '',
      group.brief,
      '',
      '| attribute | type | metrics | what it is |',
      '| --- | --- | --- | --- |',
      ...group.attributes.map(attributeRow),
      '',
    ]),
    '### Reused from OpenTelemetry',
    '',
    [...registry.reused.keys()].map((key) => `\`${key}\``).join(', '),
    '',
    '## Spans',
    '',
    'Beside what is listed, every span carries the identity and business process in scope.',
    '',
    '| span | kind | what it is | attributes |',
    '| --- | --- | --- | --- |',
    ...registry.spans.map((span) => row(span, spanTitle(span), span.kind)),
    '',
    '## Metrics',
    '',
    '| metric | instrument | what it is | attributes |',
    '| --- | --- | --- | --- |',
    ...registry.metrics.map((metric) => row(metric, `\`${metric.name}\``, `${metric.kind}, \`${metric.unit}\``)),
    '',
    '## Events',
    '',
    'Through the Logs API, where `@opentelemetry/api` has it (1.10 and later).',
    '',
    '| event | severity | what it is | attributes |',
    '| --- | --- | --- | --- |',
    ...registry.events.map((event) => row(event, `\`${event.name}\``, event.severity)),
    '',
  ].join('\n');
}

function attributeRow({ key, type, values, onMetrics, brief, examples }: AttributeDefinition): string {
  const shown = values.length > 0 ? values : examples;
  const samples = shown.map((value) => `\`${value}\``).join(', ');
  const kind = values.length > 0 ? 'enum' : type;
  return `| \`${key}\` | ${kind} | ${onMetrics ? 'yes' : 'never'} | ${brief}${samples ? ` ${samples}` : ''} |`;
}

function spanTitle({ note }: SignalDefinition): string {
  return /`[^`]+`/.exec(note)?.[0] ?? '';
}

function row({ brief, attributes }: SignalDefinition, title: string, kind: string): string {
  return `| ${title} | ${kind} | ${brief} | ${attributes.map(({ key }) => `\`${key}\``).join(' ')} |`;
}
