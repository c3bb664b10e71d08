import { expect, test } from 'vitest';
import { readServerMetadata } from '../../../src/providers/oauth/server-metadata.ts';

const read = (issuer: string, tokenEndpoint: string) =>
  readServerMetadata('sso', issuer, { issuer, token_endpoint: tokenEndpoint }).tokenEndpoint;

test('metadata of a server elsewhere sends nothing in clear to this host: http is for an issuer that has it itself', () => {
  const local = 'http://127.0.0.1:8080/token';
  expect(read('http://127.0.0.1:8080', local)).toBe(local);
  expect(() => read('https://sso.acme.example', local)).toThrow(
    expect.objectContaining({ code: 'upstream_answer_invalid' }),
  );
});
