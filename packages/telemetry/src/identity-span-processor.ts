import type { Attributes, Context, Span } from '@opentelemetry/api';
import { spanProcess } from './business-process.ts';
import { identityAttributes, processAttributes } from './identity-attributes.ts';
import { currentIdentity } from './identity.ts';
import { ATTR_IDENTITY_ID } from './names.ts';
import { spanIdentity } from './span-identity.ts';

/**
 * Puts identity, owner, trust domain, environment and business process on every span, whichever library starts it.
 * Fits `spanProcessors` of the OpenTelemetry SDK 2 and 3. Place it before the processor that exports.
 *
 * The identity is that of the span's context ({@link withSpanIdentity}), else the service's own
 * ({@link setServiceIdentity}). A span that was started before the service had one gets it when it ends.
 */
export class IdentitySpanProcessor {
  onStart(span: Span, parent: Context): void {
    const identity = spanIdentity(parent) ?? currentIdentity();
    if (identity) span.setAttributes(identityAttributes(identity) as Attributes);
    const process = spanProcess(parent);
    if (process) span.setAttributes(processAttributes(process) as Attributes);
  }

  /** SDK 3. */
  onEnding(span: Span): void {
    const late = lateAttributes(span as unknown as EndedSpan);
    if (late) span.setAttributes(late);
  }

  /** SDK 2 calls nothing before this, when the span takes attributes only in place. */
  onEnd(span: EndedSpan): void {
    const late = lateAttributes(span);
    if (late) Object.assign(span.attributes, late);
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** What is read of a span of the SDK once it has ended. */
interface EndedSpan {
  readonly attributes: Attributes;
}

function lateAttributes({ attributes }: EndedSpan): Attributes | undefined {
  const identity = currentIdentity();
  return identity && attributes[ATTR_IDENTITY_ID] === undefined
    ? (identityAttributes(identity) as Attributes)
    : undefined;
}
