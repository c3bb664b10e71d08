import fc from 'fast-check';

/** A value that YAML and JSON can carry. */
export type Data = null | boolean | number | string | Data[] | { [key: string]: Data };

type Mapping = { [key: string]: Data };

const name = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,12}$/).filter((text) => text !== 'admin');
const directoryId = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,20}$/);
const scopeValues = ['journal.read', 'journal.write', 'journal:delete', 'a/b', '!'];
const day = fc
  .date({ min: new Date('2026-01-01'), max: new Date('2030-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));

/** Keeps each key or leaves it out. */
function partly(members: Record<string, fc.Arbitrary<Data>>): fc.Arbitrary<Mapping> {
  return fc.record(members, { requiredKeys: [] }) as fc.Arbitrary<Mapping>;
}

function sockets(names: readonly string[]): fc.Arbitrary<Data> {
  if (names.length === 0) return fc.constant('unix:///run/tallystick/api.sock');
  return fc
    .array(partly({ mode: fc.constantFrom('0666', '0660', '0600') }), {
      minLength: names.length,
      maxLength: names.length,
    })
    .map((extras) =>
      names.map((each, i) => ({ name: each, path: `/run/tallystick/s-${each}/api.sock`, ...extras[i] })),
    );
}

const state = fc.constantFrom<Data>('/var/lib/tallystick', {
  keys: '/var/lib/tallystick/keys',
  leases: '/srv/leases',
  audit: '/mnt/audit',
});

const listeners: fc.Arbitrary<Mapping> = partly({
  public: fc.constantFrom<Data>(
    'http://127.0.0.1:8480',
    { url: 'http://[::1]:8480', hosts: ['tallystick.acme.example', 'localhost:8480'] },
    {
      url: 'https://0.0.0.0:443',
      certificate: '/etc/tls.crt',
      key: '/etc/tls.key',
      hosts: ['tallystick.acme.example'],
    },
  ),
  health: fc.constantFrom<Data>('http://127.0.0.1:8481', 'http://0.0.0.0:0', { url: 'http://[::]:8481' }),
});

function credential(i: number): fc.Arbitrary<Mapping> {
  const fixed = { provider: 'issuer', audience: `https://api-${i}.acme.example` };
  return partly({
    scope: fc.shuffledSubarray(scopeValues, { minLength: 1 }).map((values) => values.join(' ')),
    lifetime: fc.constantFrom('2s', '45s', '15m', '24h', '1d'),
    use: fc.shuffledSubarray([`https://api-${i}.acme.example/`, `http://127.0.0.1:${9000 + i}/v1/`]),
    attribution: fc.constantFrom('identity', 'process', 'run'),
  }).map((members) => ({ ...fixed, ...members }));
}

function alternative(socketNames: readonly string[]): fc.Arbitrary<string[]> {
  const names = socketNames.length === 0 ? ['default'] : socketNames;
  return fc
    .record({
      uid: fc.nat({ max: 4_294_967_294 }).map((id) => `unix:uid:${id}`),
      gid: fc.nat({ max: 70_000 }).map((id) => `unix:gid:${id}`),
      path: fc.constantFrom('unix:path:/usr/bin/node', 'unix:path:/opt/pay: roll'),
      socket: fc.constantFrom(...names.map((each) => `tallystick:socket:${each}`)),
    })
    .chain((all) => fc.shuffledSubarray(Object.values(all), { minLength: 1 }));
}

function match(socketNames: readonly string[]): fc.Arbitrary<Mapping> {
  const one = alternative(socketNames);
  const distinct = { selector: (selectors: string[]) => selectors.toSorted().join(), minLength: 1, maxLength: 3 };
  return fc.oneof(
    one.map((selectors) => ({ match: selectors })),
    fc.uniqueArray(one, distinct).map((alternatives) => ({ matchAny: alternatives })),
  );
}

function entitlements(credentials: Mapping): fc.Arbitrary<Data[]> {
  return fc
    .shuffledSubarray(Object.keys(credentials))
    .chain((names) => fc.tuple(...names.map((each) => entitlement(each, credentials[each] as Mapping))));
}

function entitlement(credentialName: string, { scope = '' }: Mapping): fc.Arbitrary<Data> {
  const values = (scope as string).split(' ').filter(Boolean);
  return fc.oneof(
    fc.constant(credentialName),
    partly({
      scope: fc.shuffledSubarray(values).map((some) => some.join(' ')),
      minAssurance: fc.constantFrom('socket', 'process'),
    }).map((members) => ({ credential: credentialName, ...members })),
  );
}

function identity(id: string, socketNames: readonly string[], credentials: Mapping): fc.Arbitrary<Mapping> {
  const fixed = fc.record({
    id: fc.constant(`spiffe://acme.example/${id}`),
    owner: fc.oneof(
      directoryId,
      partly({ kind: fc.constantFrom('team', 'role', 'person'), accountable: fc.option(directoryId) }).map(
        (members) => ({ id: 'team-a', ...members }),
      ),
    ),
    purpose: fc.constantFrom('posts the month-end journal', 'zahlt Löhne 💶', '"quoted": # text', '- 1', 'true'),
    environment: fc.constantFrom('production', 'staging-2'),
    expires: day,
  });
  const others = partly({
    kind: fc.constantFrom('workload', 'service', 'ai_agent', 'ci_job', 'device'),
    backupOwner: directoryId,
    businessProcesses: fc.uniqueArray(fc.stringMatching(/^[\x20-\x7e]{1,20}$/), { maxLength: 3 }),
    revocable: fc.constantFrom('exp', 'prompt'),
    receives: fc.shuffledSubarray(['https://ledger.acme.example', 'urn:acme:ledger', 'api://ledger']),
    entitlements: entitlements(credentials),
  });
  return fc.tuple(fixed, others, match(socketNames)).map((parts) => Object.assign({}, ...parts) as Mapping);
}

/** Configurations that have no mistake, in all the forms that the file allows. */
export const validConfig: fc.Arbitrary<Mapping> = fc
  .record({
    socketNames: fc.uniqueArray(name, { maxLength: 3 }),
    ids: fc.uniqueArray(
      name.filter((text) => !/^\.{1,2}$/.test(text)),
      { maxLength: 4 },
    ),
    credentialNames: fc.uniqueArray(name, { maxLength: 4 }),
  })
  .chain(({ socketNames, ids, credentialNames }) =>
    fc
      .tuple(...credentialNames.map((_, i) => credential(i)))
      .map((values) => Object.fromEntries(credentialNames.map((each, i) => [each, values[i]!])))
      .chain((credentials) =>
        fc
          .record({
            state,
            workload: sockets(socketNames),
            listeners,
            identities: fc.tuple(...ids.map((id) => identity(id, socketNames, credentials))),
            others: partly({
              requires: fc.shuffledSubarray(['issuer', 'introspection', 'revocations']),
              sidecar: fc.constantFrom<Data>({}, { id: '01K0000000000000000000000A' }),
              fleet: fc.constantFrom<Data>({}, { size: 30 }),
              audit: fc.constantFrom<Data>(
                {},
                { anchors: { policy: '/etc/tallystick/witnesses.policy', interval: '30s' } },
                { anchors: {}, replica: { folder: '/mnt/replica' } },
                { replica: { s3: { bucket: 'a-b', region: 'eu-1', credentials: '/etc/s3', retention: '7d' } } },
              ),
              shutdown: fc.constantFrom<Data>({}, { revoke: 'always' }),
              providers: fc.constant({}),
            }),
          })
          .map((parts) => ({
            version: 1,
            trustDomain: 'acme.example',
            state: parts.state,
            listen: { workload: parts.workload, admin: '/run/tallystick-admin/admin.sock', ...parts.listeners },
            issuer: { url: 'https://tallystick.acme.example' },
            ...parts.others,
            identities: parts.identities,
            credentials,
          })),
      ),
  );

const odd: fc.Arbitrary<Data> = fc.oneof(
  fc.constantFrom<Data>(
    null,
    true,
    0,
    -1,
    1.5,
    '',
    ' ',
    'x',
    '/',
    [],
    {},
    [null],
    { a: 1 },
    'issuer',
    'platform',
    'unix:///run/a',
    'never',
    '0666',
  ),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Data>,
);

/** Configurations with one thing changed at random, which may or may not be a mistake. */
export const changedConfig: fc.Arbitrary<Mapping> = fc
  .tuple(validConfig, fc.nat(), fc.constantFrom('delete', 'replace', 'rename', 'add', 'repeat'), odd)
  .map(([config, at, change, value]) => {
    const copy = structuredClone(config);
    const places = placesIn(copy);
    const { holder, key } = places[at % places.length]!;
    applyChange(holder, key, change, value);
    return copy;
  });

interface Place {
  readonly holder: Data[] | Mapping;
  readonly key: string | number;
}

/** Every value in `data`, by what holds it. */
export function placesIn(data: Data): Place[] {
  if (typeof data !== 'object' || data === null) return [];
  const keys: (string | number)[] = Array.isArray(data) ? [...data.keys()] : Object.keys(data);
  return keys.flatMap((key) => [{ holder: data, key }, ...placesIn((data as Mapping)[key]!)]);
}

function applyChange(holder: Data[] | Mapping, key: string | number, change: string, value: Data): void {
  const mapping = holder as Mapping;
  if (Array.isArray(holder)) {
    if (change === 'delete') holder.splice(Number(key), 1);
    else if (change === 'repeat') holder.push(structuredClone(holder[Number(key)]!));
    else holder[Number(key)] = value;
  } else if (change === 'delete') delete mapping[key];
  else if (change === 'rename') {
    mapping[`${key}x`] = mapping[key]!;
    delete mapping[key];
  } else if (change === 'add') mapping[`other-${key}`] = value;
  else mapping[key] = value;
}
