import fc from 'fast-check';
import * as oauth from 'oauth4webapi';
import { describe, expect, test } from 'vitest';
import { HEADERS, htuOfRoute, parseServerMetadata, PROTOCOL_VERSIONS, ROUTES, serverMetadata } from '../src/index.ts';
import { refusal } from './throws.ts';

const ISSUER = 'https://tallystick.acme.example';

describe('RFC 8414: the metadata', () => {
  test('is what oauth4webapi takes for the issuer, and for no other', async () => {
    const response = (): Response => Response.json(serverMetadata(ISSUER));
    const as = await oauth.processDiscoveryResponse(new URL(ISSUER), response());
    expect(as.token_endpoint).toBe(`${ISSUER}/token`);
    await expect(oauth.processDiscoveryResponse(new URL('https://other.example'), response())).rejects.toThrow();
  });

  test('§2: every endpoint is the issuer URL and a route of ours', () => {
    const metadata = serverMetadata(ISSUER);
    const endpoints = Object.entries(metadata).filter(([name]) => name.endsWith('_endpoint') || name.endsWith('_uri'));
    expect(Object.fromEntries(endpoints)).toEqual({
      token_endpoint: ISSUER + ROUTES.token,
      jwks_uri: ISSUER + ROUTES.jwks,
      revocation_endpoint: ISSUER + ROUTES.revoke,
      introspection_endpoint: ISSUER + ROUTES.introspect,
    });
  });

  test('§2, RFC 9449 §5.1: names the grant, no client authentication, and the algorithms of proofs', () => {
    expect(serverMetadata(ISSUER)).toMatchObject({
      issuer: ISSUER,
      response_types_supported: [],
      grant_types_supported: ['client_credentials'],
      token_endpoint_auth_methods_supported: ['none'],
      dpop_signing_alg_values_supported: ['ES256', 'ES384', 'Ed25519', 'PS256'],
      tallystick_protocol: [1],
    });
  });

  test('comes back from its JSON', () => {
    expect(parseServerMetadata(JSON.stringify(serverMetadata(ISSUER)))).toEqual({
      issuer: ISSUER,
      tallystick_protocol: [...PROTOCOL_VERSIONS],
    });
  });

  test('DESIGN §4.9: a sidecar that speaks later versions too is understood', () => {
    expect(
      parseServerMetadata(JSON.stringify({ issuer: ISSUER, tallystick_protocol: [1, 2, 'experimental'] })),
    ).toEqual({ issuer: ISSUER, tallystick_protocol: [1, 2] });
  });

  test.each([
    '',
    '[]',
    '{}',
    `{"issuer":"${ISSUER}"}`,
    `{"issuer":"${ISSUER}","tallystick_protocol":1}`,
    `{"issuer":"${ISSUER}","tallystick_protocol":[]}`,
    `{"issuer":"${ISSUER}","tallystick_protocol":[2]}`,
    `{"issuer":"${ISSUER}","tallystick_protocol":["1"]}`,
    '{"issuer":"","tallystick_protocol":[1]}',
    '{"tallystick_protocol":[1]}',
  ])('%s is refused', (body) => {
    expect(refusal(() => parseServerMetadata(body))).toBe('protocol_error');
  });

  test('any text is parsed or gives protocol_error, nothing else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        expect([undefined, 'protocol_error']).toContain(refusal(() => parseServerMetadata(body)));
      }),
    );
  });
});

describe('routes', () => {
  test('the target of a proof is the issuer URL and the route, whether the issuer ends in a slash or not', () => {
    expect(htuOfRoute(ISSUER, ROUTES.token)).toBe(`${ISSUER}/token`);
    expect(htuOfRoute(`${ISSUER}/`, ROUTES.events)).toBe(`${ISSUER}/v1/events`);
    expect(htuOfRoute('https://acme.example/tallystick', ROUTES.jwks)).toBe('https://acme.example/tallystick/jwks');
  });

  test('no two routes are the same, and header names are lower case as Node gives them', () => {
    expect(new Set(Object.values(ROUTES)).size).toBe(Object.keys(ROUTES).length);
    for (const name of Object.values(HEADERS)) expect(name).toBe(name.toLowerCase());
  });
});
