/** One message of an event stream, before its data is read. */
export interface StreamMessage {
  readonly type: string;
  readonly data: string;
}

/** The longest message that is kept, in characters: a peer that never ends one cannot fill the memory. */
export const MAX_MESSAGE_LENGTH = 4 * 1024 * 1024;

/**
 * Returns a reader of `text/event-stream` (WHATWG HTML §9.2.6): give it the text as it comes, in any pieces, and it
 * returns the messages that are complete.
 *
 * The reader throws a RangeError when a message grows beyond {@link MAX_MESSAGE_LENGTH}.
 */
export function createStreamReader(): (chunk: string) => StreamMessage[] {
  let rest = '';
  let type = '';
  let data: string[] = [];
  let length = 0;
  return (chunk) => {
    const messages: StreamMessage[] = [];
    const lines = (rest + chunk).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop()!;
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) messages.push({ type: type || 'message', data: data.join('\n') });
        type = '';
        data = [];
        length = 0;
        continue;
      }
      length += line.length;
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
      if (field === 'event') type = value;
      else if (field === 'data') data.push(value);
    }
    if (length + rest.length > MAX_MESSAGE_LENGTH) throw new RangeError('a message of the event stream is too long');
    return messages;
  };
}
