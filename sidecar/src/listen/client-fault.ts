import { TallystickError } from '@tallystick/core';

/**
 * Returns the error with which a message that is not a request is answered, by the code of Node's `clientError`;
 * undefined when the connection itself failed, so that there is nobody to answer.
 */
export function clientFault(code: string | undefined): TallystickError | undefined {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new TallystickError('body_too_large', 'the header fields are too large');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new TallystickError('body_too_large', 'the chunk extensions are too large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new TallystickError('invalid_request', 'the request did not arrive in time');
    default:
      return code?.startsWith('HPE_')
        ? new TallystickError('invalid_request', 'the request is not valid HTTP/1.1')
        : undefined;
  }
}
