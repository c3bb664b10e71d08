import fc from 'fast-check';

/** Any text of one byte a character, as a peer may send: to make one of any characters at all takes seconds. */
export const anyText = fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1'));
