import { expect, test } from 'vitest';
import { endpointOf } from '../../../src/providers/aws/endpoints.ts';

const NONE = { sts: undefined, secretsmanager: undefined };

test.each([
  ['sts', 'eu-central-1', 'https://sts.eu-central-1.amazonaws.com'],
  ['sts', 'us-gov-west-1', 'https://sts.us-gov-west-1.amazonaws.com'],
  ['secretsmanager', 'cn-north-1', 'https://secretsmanager.cn-north-1.amazonaws.com.cn'],
] as const)('%s of %s is reached at %s, never at a global endpoint', (service, region, url) => {
  expect(endpointOf(service, region, NONE)).toBe(url);
});

test('an endpoint that is configured is taken for its service alone', () => {
  const endpoints = { ...NONE, sts: 'https://vpce.example' };
  expect(endpointOf('sts', 'eu-central-1', endpoints)).toBe('https://vpce.example');
  expect(endpointOf('secretsmanager', 'eu-central-1', endpoints)).toBe(
    'https://secretsmanager.eu-central-1.amazonaws.com',
  );
});
