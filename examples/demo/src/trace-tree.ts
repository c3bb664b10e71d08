import type { CollectedSpan } from './collector.ts';

/** Returns the spans of one trace as an indented tree, a line each: service, name, and who and what for. */
export function traceTree(spans: readonly CollectedSpan[]): string {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const lines: string[] = [];
  const visit = (span: CollectedSpan, depth: number): void => {
    lines.push(`${'  '.repeat(depth)}${span.service}: ${span.name}  ${who(span)}`);
    for (const child of spans) if (child.parentId === span.spanId) visit(child, depth + 1);
  };
  for (const span of spans) if (!ids.has(span.parentId)) visit(span, 0);
  return lines.join('\n');
}

function who({ attributes }: CollectedSpan): string {
  const get = (name: string): string | undefined => attributes[`tallystick.${name}`];
  return [
    get('identity.id')?.replace(/^spiffe:\/\/[^/]+/, ''),
    get('identity.owner.id'),
    get('business_process.id'),
    get('caller.id') && `caller ${get('caller.id')!.replace(/^spiffe:\/\/[^/]+/, '')}`,
  ]
    .filter((part) => part !== undefined)
    .join(' · ');
}
