// The sidecar is an OAuth authorization server: any client library gets a token from it. All it needs to be told is
// that the server's https origin is reached through a Unix socket.
import { parseArgs } from 'node:util';
import * as oauth from 'oauth4webapi';
import { Agent, fetch as undiciFetch } from 'undici';

const { values } = parseArgs({
  options: {
    socket: { type: 'string', default: '/run/tallystick/api.sock' },
    issuer: { type: 'string', default: 'https://tallystick.acme.example' },
    url: { type: 'string', default: 'https://ledger.acme.example/journal' },
    resource: { type: 'string', default: 'https://ledger.acme.example' },
  },
});

// The three lines: requests to the issuer's origin go to the socket, in plain HTTP.
const socket = new Agent({ connect: { socketPath: values.socket } });
const overSocket = (url: string, init: object): Promise<Response> =>
  undiciFetch(url.replace(/^https:/, 'http:'), { ...init, dispatcher: socket }) as unknown as Promise<Response>;

const issuer = new URL(values.issuer);
const options = { [oauth.customFetch]: overSocket };
const server = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options }),
);
const client: oauth.Client = { client_id: 'plain-oauth-client' };
const dpop = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));

const token = await withNonce(async () => {
  const parameters = { resource: values.resource };
  const response = await oauth.clientCredentialsGrantRequest(server, client, oauth.None(), parameters, {
    DPoP: dpop,
    ...options,
  });
  return oauth.processClientCredentialsResponse(server, client, response);
});

const response = await withNonce(() =>
  oauth.protectedResourceRequest(token.access_token, 'POST', new URL(values.url), new Headers(), null, {
    DPoP: dpop,
    ...(values.url.startsWith('http:') && { [oauth.allowInsecureRequests]: true }),
  }),
);
process.stdout.write(`${JSON.stringify({ status: response.status, answer: await response.json() })}\n`);
await socket.close();

// A server may ask for its nonce once (RFC 9449 §8, §9).
async function withNonce<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return request();
  }
}
