import type { Attributes, AttributeValue } from '@opentelemetry/api';
import { instrument } from './instrument.ts';
import { ATTR_TELEMETRY_REDACTION_RULE, METRIC_TELEMETRY_REDACTIONS } from './names.ts';
import { isClean, scrubAttribute, scrubText, type RedactionRule } from './scrub.ts';
import { VERSION } from './version.ts';

/** The longest text that the scrubber leaves whole, unless told otherwise. */
const MAX_TEXT_LENGTH = 256;

/** What the scrubber reads and changes of a span of the SDK. */
interface MutableSpan {
  name: string;
  readonly attributes: Attributes;
  readonly events: readonly { name: string; readonly attributes?: Attributes }[];
  status: { readonly code: number; readonly message?: string };
}

/** A span processor, as far as the SDK 2 and 3 call it. */
export interface ScrubbingSpanProcessor {
  onStart(span: unknown, parent: unknown): void;
  onEnding(span: unknown): void;
  onEnd(span: unknown): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/**
 * Returns a span processor that takes secrets out of every span, whichever library wrote them there: query parameters
 * and user information of URLs, headers that carry credentials, and text that looks like a token or a key. It reads
 * attributes, events, the status and the name. What it replaced is counted by `tallystick.telemetry.redactions`.
 *
 * Place it before the processor that exports. Under the SDK 3 its place does not matter.
 *
 * @param options `maxTextLength`: texts are cut to it, default 256 characters; `Infinity` leaves the length to the
 *   limits of the SDK.
 */
export function scrubbingSpanProcessor({ maxTextLength = MAX_TEXT_LENGTH } = {}): ScrubbingSpanProcessor {
  const own = instrument('@tallystick/telemetry', VERSION);
  const count = (rule: RedactionRule): void =>
    own.add(METRIC_TELEMETRY_REDACTIONS, 1, { [ATTR_TELEMETRY_REDACTION_RULE]: rule });
  const scrub = (span: unknown): void => scrubSpan(span as MutableSpan, maxTextLength, count);
  // The SDK 3 calls onEnding for all processors before onEnd for any; the SDK 2 never does.
  let endingIsCalled = false;
  return {
    onStart: () => undefined,
    onEnding(span) {
      endingIsCalled = true;
      scrub(span);
    },
    onEnd(span) {
      if (!endingIsCalled) scrub(span);
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}

/** Changes in place: an SDK takes no attribute of a span that has ended, and no event back from one that has not. */
function scrubSpan(span: MutableSpan, maxLength: number, count: (rule: RedactionRule) => void): void {
  const name = scrubText(span.name, maxLength);
  if (name.rule) {
    span.name = name.value;
    count(name.rule);
  }
  scrubAttributes(span.attributes, maxLength, count);
  for (const event of span.events) if (event.attributes) scrubAttributes(event.attributes, maxLength, count);
  if (span.status.message !== undefined) {
    const message = scrubText(span.status.message, maxLength);
    if (message.rule) {
      span.status = { ...span.status, message: message.value };
      count(message.rule);
    }
  }
}

function scrubAttributes(attributes: Attributes, maxLength: number, count: (rule: RedactionRule) => void): void {
  for (const key in attributes) {
    if (isClean(key, attributes[key], maxLength)) continue;
    const { value, rule } = scrubAttribute(key, attributes[key], maxLength);
    if (!rule) continue;
    attributes[key] = value as AttributeValue;
    count(rule);
  }
}
