/** One message of an event stream, before its data is read. */
export interface StreamMessage {
  readonly type: string;
  readonly data: string;
}

/** The longest message that is kept, in characters: a peer that never ends one cannot fill the memory. */
export const MAX_MESSAGE_LENGTH = 4 * 1024 * 1024;

/**
 * Returns a reader of `text/event-stream` (WHATWG HTML §9.2.6): give it the decoded text as it comes, in any pieces,
 * and it returns the messages that are complete. `id` and `retry` are ignored, as nothing here resumes.
 *
 * The reader throws a RangeError when a message grows beyond {@link MAX_MESSAGE_LENGTH}; it is of no use after that.
 */
export function createStreamReader(): (chunk: string) => StreamMessage[] {
  let begun = false;
  let afterReturn = false;
  let rest = '';
  let type = '';
  let data: string[] = [];
  let dataLength = 0;

  const limit = (line: string): void => {
    if (line.length + dataLength + type.length > MAX_MESSAGE_LENGTH) {
      throw new RangeError('a message of the event stream is too long');
    }
  };

  const endLine = (line: string): StreamMessage | undefined => {
    limit(line);
    if (line === '') {
      const message = data.length === 0 ? undefined : { type: type || 'message', data: data.join('\n') };
      type = '';
      data = [];
      dataLength = 0;
      return message;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') type = value;
    if (field === 'data') {
      data.push(value);
      dataLength += value.length + 1;
    }
    return undefined;
  };

  return (chunk) => {
    if (chunk === '') return [];
    const messages: StreamMessage[] = [];
    let at = 0;
    if (!begun && chunk[0] === BYTE_ORDER_MARK) at = 1;
    begun = true;
    if (afterReturn && chunk[at] === '\n') at++;
    afterReturn = false;
    // Only what is new is searched: a line that comes in many pieces costs no more than one that comes whole.
    const lineEnd = /\r\n|\r|\n/g;
    lineEnd.lastIndex = at;
    for (let end = lineEnd.exec(chunk); end; end = lineEnd.exec(chunk)) {
      const message = endLine(rest + chunk.slice(at, end.index));
      if (message) messages.push(message);
      rest = '';
      at = lineEnd.lastIndex;
      // Its line feed may be the first character of the next chunk.
      afterReturn = end[0] === '\r' && at === chunk.length;
    }
    rest += chunk.slice(at);
    limit(rest);
    return messages;
  };
}

const BYTE_ORDER_MARK = '\ufeff';
