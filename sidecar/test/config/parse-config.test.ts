import fc from 'fast-check';
import { dump, load } from 'js-yaml';
import { registryDigest } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import type { Fault } from '../../src/config/fault.ts';
import { parseConfig, validateConfig, type ParseResult } from '../../src/config/parse-config.ts';
import { changedConfig, placesIn, validConfig, type Data } from './arbitrary-config.ts';
import { GOOD } from './good-config.ts';

function configOf(text: string): Extract<ParseResult, { ok: true }>['config'] {
  const result = parseConfig(text);
  if (!result.ok) throw new Error(JSON.stringify(result.mistakes, undefined, 1));
  return result.config;
}

describe('the example of the design', () => {
  const config = configOf(`
version: 1
trustDomain: acme.example
state: { keys: /var/lib/tallystick/keys, leases: /var/lib/tallystick/leases, audit: /var/lib/tallystick/audit }
listen:
  workload: [{ name: app, path: /run/tallystick/app/api.sock }]
  admin: /run/tallystick-admin/admin.sock
  public: http://127.0.0.1:8480
  health: http://127.0.0.1:8481
issuer: { url: https://tallystick.acme.example, signer: local }
identities:
  - id: spiffe://acme.example/payments/close-batch
    kind: workload
    owner: team-payments
    backupOwner: team-finance-platform
    purpose: posts the month-end journal
    environment: production
    businessProcesses: [BP-1042]
    expires: 2027-06-30
    match: [unix:uid:1001, tallystick:socket:app]
    revocable: exp
    receives: []
    entitlements: [ledger-api]
credentials:
  ledger-api: { provider: issuer, audience: https://ledger.acme.example, scope: journal.write, lifetime: 15m, use: [https://ledger.acme.example/] }
`);

  test('gives its identity with every default', () => {
    expect(config.identities).toEqual([
      {
        id: 'spiffe://acme.example/payments/close-batch',
        kind: 'workload',
        owner: { id: 'team-payments', kind: 'team', accountable: null, backup: 'team-finance-platform' },
        purpose: 'posts the month-end journal',
        environment: 'production',
        businessProcesses: ['BP-1042'],
        expires: '2027-06-30',
        match: [['tallystick:socket:app', 'unix:uid:1001']],
        revocable: 'exp',
        receives: [],
        entitlements: [{ credential: 'ledger-api', scope: null, minAssurance: 'socket' }],
      },
    ]);
  });

  test('gives its credential, listeners and the settings it does not name', () => {
    expect(config.credentials.get('ledger-api')).toMatchObject({
      type: 'access-token',
      audience: 'https://ledger.acme.example',
      scope: ['journal.write'],
      lifetimeMs: 900_000,
      use: [{ origin: 'https://ledger.acme.example', segments: [] }],
      attribution: 'process',
    });
    expect(config.listen).toMatchObject({
      workload: [{ name: 'app', path: '/run/tallystick/app/api.sock', mode: 0o666 }],
      public: { host: '127.0.0.1', port: 8480, hosts: ['127.0.0.1', '[::1]', 'localhost'], tls: undefined },
    });
    expect(config).toMatchObject({ sidecarId: undefined, fleetSize: 1, revokeOnShutdown: 'idle' });
  });

  test('has the registry digest that every machine computes for it', () => {
    expect(registryDigest(config.identities).root).toBe('zhc7Tab9f3xDij9mtnRHLEVQXlaIxT_zXQqkvKwQ3SI');
  });
});

describe('short forms', () => {
  test('one path is the parent of all state', () => {
    expect(configOf(GOOD).state).toEqual({
      keys: '/var/lib/tallystick-test-that-is-not-there/keys',
      leases: '/var/lib/tallystick-test-that-is-not-there/leases',
      audit: '/var/lib/tallystick-test-that-is-not-there/audit',
    });
  });

  test('one unix:// URL is a socket named "default"', () => {
    expect(configOf(GOOD).listen.workload).toEqual([
      { name: 'default', path: '/run/tallystick/api.sock', mode: 0o666 },
    ]);
  });

  test('a name is an entitlement to all of the credential', () => {
    const text = GOOD.replace(
      '[ledger-api]',
      '[{ credential: ledger-api, scope: journal.write, minAssurance: process }]',
    );
    expect(configOf(text).identities[0]?.entitlements).toEqual([
      { credential: 'ledger-api', scope: 'journal.write', minAssurance: 'process' },
    ]);
  });

  test('health on an address of the network answers any host, because probes name the address of the pod', () => {
    const text = GOOD.replace('issuer:', '  health: http://0.0.0.0:8481\nissuer:');
    expect(configOf(text).listen.health).toEqual({ host: '0.0.0.0', port: 8481, hosts: undefined, tls: undefined });
  });
});

describe('a token that is bound to a certificate', () => {
  const bound = (lifetime: string): ReturnType<typeof configOf> =>
    configOf(
      GOOD.replace('[ledger-api]', '[ledger-api, batch-tls, ledger-mtls]').concat(
        `  batch-tls: { provider: mesh, lifetime: ${lifetime} }\n`,
        '  ledger-mtls: { provider: issuer, audience: https://mtls.acme.example, certificate: batch-tls, lifetime: 20m }\n',
        'providers:\n  mesh: { type: ca }\n',
      ),
    );

  test('is bound by mTLS, and each key has its own', () => {
    expect(bound('1h').credentials.get('ledger-mtls')).toMatchObject({
      certificate: 'batch-tls',
      binding: 'mtls',
      holders: 'own',
      lifetimeMs: 1_200_000,
    });
    expect(bound('1h').credentials.get('ledger-api')).toMatchObject({ certificate: undefined, binding: 'dpop' });
  });

  test('is promised no longer than its certificate lives', () => {
    expect(bound('5m').credentials.get('ledger-mtls')?.lifetimeMs).toBe(300_000);
  });
});

test('in data that is no YAML, undefined is as good as no key', () => {
  const faults: Fault[] = [];
  const valid = validateConfig(
    { ...(load(GOOD) as object), fleet: undefined, unknown: undefined, sidecar: { id: undefined } },
    (fault) => faults.push(fault),
  );
  expect(faults).toEqual([]);
  expect(valid?.config).toEqual(configOf(GOOD));
});

describe('generated configurations', () => {
  test('without a mistake are accepted from YAML, and mean what the data means', () => {
    fc.assert(
      fc.property(validConfig, (data) => {
        const faults: Fault[] = [];
        const valid = validateConfig(data, (fault) => faults.push(fault));
        expect(faults).toEqual([]);
        expect(configOf(dump(data))).toEqual(valid?.config);
        expect(configOf(JSON.stringify(data))).toEqual(valid?.config);
      }),
      { numRuns: 100 },
    );
  });

  test('give one registry digest whatever the order of lists and keys', () => {
    fc.assert(
      fc.property(validConfig, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (data, random) => {
        const shuffled = configOf(dump(shuffle(data, () => random.next().value!)));
        const straight = configOf(dump(data));
        expect(registryDigest(shuffled.identities).root).toBe(registryDigest(straight.identities).root);
        expect([...shuffled.credentials.keys()]).toEqual([...straight.credentials.keys()]);
      }),
      { numRuns: 100 },
    );
  });

  test('with something changed are accepted or refused with mistakes, each in a line of the file', () => {
    fc.assert(
      fc.property(changedConfig, (data) => {
        const text = dump(data);
        const result = parseConfig(text);
        if (result.ok) return;
        const lines = text.split('\n').length;
        expect(result.mistakes.length).toBeGreaterThan(0);
        for (const { line, column, message, remedy } of result.mistakes) {
          expect(line).toBeGreaterThan(0);
          expect(line).toBeLessThanOrEqual(lines);
          expect(column).toBeGreaterThan(0);
          expect(message).not.toBe('');
          expect(remedy).not.toBe('');
        }
      }),
      { numRuns: 300 },
    );
  });

  test('never find a value repeated in a mistake: it may be a secret in the wrong place', () => {
    const canary = 'S3CRET-canary pasted';
    fc.assert(
      fc.property(validConfig, (data) => {
        for (let i = 0; i < placesIn(data).length; i++) {
          const copy = structuredClone(data) as Data;
          const { holder, key } = placesIn(copy)[i]!;
          (holder as Record<string | number, Data>)[key] = canary;
          const faults: Fault[] = [];
          validateConfig(copy, (fault) => faults.push(fault));
          expect(JSON.stringify(faults)).not.toContain('S3CRET');
        }
      }),
      { numRuns: 10 },
    );
  });
});

describe('any text', () => {
  const yamlish = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          '\n',
          '  ',
          '- ',
          ': ',
          '[',
          ']',
          '{',
          '}',
          ',',
          '&a ',
          '*a',
          '"',
          "'",
          '|\n',
          '!!',
          '? ',
          '#',
          '---\n',
          '%',
          '\t',
          '\ufeff',
          '\0',
        ),
        fc.string({ maxLength: 5 }),
        fc.constantFrom('version', 'identities', 'state', '1'),
      ),
    )
    .map((parts) => parts.join(''));

  test('gives a configuration or mistakes, and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(yamlish, fc.string({ unit: 'binary' })), (text) => {
        const result = parseConfig(text);
        expect(result.ok ? 1 : result.mistakes.length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  test('that is a good configuration with a few characters changed gives the same', () => {
    fc.assert(
      fc.property(fc.nat({ max: GOOD.length }), fc.nat({ max: 5 }), yamlish, (at, cut, insert) => {
        const result = parseConfig(GOOD.slice(0, at) + insert + GOOD.slice(at + cut));
        expect(result.ok ? 1 : result.mistakes.length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('lines', () => {
  test('are the same with a byte order mark and with Windows line ends', () => {
    const broken = GOOD.replace('owner: team-payments', 'owner: "a b"');
    const place = { line: 10, column: 12, path: 'identities[0].owner' };
    for (const text of [broken, `\ufeff${broken}`, broken.replaceAll('\n', '\r\n')]) {
      expect(parseConfig(text)).toMatchObject({ ok: false, mistakes: [place] });
    }
  });

  test('count columns after a byte order mark', () => {
    expect(parseConfig(`\ufefftelemetry: 1\n${GOOD}`)).toMatchObject({
      mistakes: [{ line: 1, column: 1, path: 'telemetry' }],
    });
  });

  test('a mistake inside what an alias stands for is shown at the alias', () => {
    const text = GOOD.replace('owner: team-payments', 'owner: &own { id: "a b" }').replace(
      'purpose:',
      'backupOwner: x\n    purpose:',
    );
    const twice = text.replace(
      'credentials:',
      `  - { id: spiffe://acme.example/two, owner: *own, purpose: p, environment: e, expires: 2027-01-01, match: [unix:uid:5] }\ncredentials:`,
    );
    const result = parseConfig(twice);
    const places = result.ok ? [] : result.mistakes.map(({ line, path }) => ({ line, path }));
    expect(places).toEqual([
      { line: 10, path: 'identities[0].owner.id' },
      { line: 17, path: 'identities[1].owner.id' },
    ]);
  });

  test('beyond a thousand mistakes the rest is counted', () => {
    const result = parseConfig(`identities: [${Array.from({ length: 400 }, () => '{}').join(', ')}]`);
    const mistakes = result.ok ? [] : result.mistakes;
    expect(mistakes).toHaveLength(1001);
    expect(mistakes.at(-1)?.message).toMatch(/^the file has \d+ more mistakes$/);
  });
});

function shuffle(data: Data, random: () => number): Data {
  if (typeof data !== 'object' || data === null) return data;
  const ordered = <T>(items: readonly T[]): T[] =>
    items
      .map((item) => ({ item, at: random() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ item }) => item);
  if (Array.isArray(data)) return ordered(data).map((item) => shuffle(item, random));
  return Object.fromEntries(ordered(Object.entries(data)).map(([key, value]) => [key, shuffle(value, random)]));
}
