import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { codeBlocks, listPages } from './markdown.ts';
import { publishedPackages, readText, ROOT } from './repository.ts';

/**
 * Each command that a page tells people to run, and the test or script that runs it. A command that is in no page
 * any more, or whose test is gone, fails as well.
 */
const SHOWN_BY: Readonly<Record<string, string>> = {
  'MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=131072 node --max-semi-space-size=4 main.js run': 'test/daemon/bundle.ts',
  'OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 tallystick run': 'test/e2e/sidecar-telemetry.test.ts',
  'OTEL_SERVICE_NAME=close-batch OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 TALLYSTICK_SOCKET=unix:///run/tallystick/app/api.sock node --import @tallystick/register service.js':
    'packages/register/test/register.test.ts',
  'node --import @tallystick/register service.js': 'packages/register/test/register.test.ts',
  'npx -y pnpm@12 demo': 'test/e2e/demo.test.ts',
  'npx -y pnpm@12 faults': 'test/faults/main.ts',
  'npx -y pnpm@12 servers': '.ci/run',
  'npx -y pnpm@12 test': '.ci/run',
  'tallystick audit verify --dir /evidence/audit --policy audit.policy': 'test/e2e/audit-commands.test.ts',
  'cp /evidence/audit/1/1/checkpoint kept.checkpoint': 'test/e2e/audit-commands.test.ts',
  'tallystick audit verify --dir /evidence/audit --policy audit.policy --consistency kept.checkpoint --seen 2026-11-22T10:00:00Z':
    'test/e2e/audit-commands.test.ts',
  'tallystick audit log --dir /evidence/audit --policy audit.policy --identity spiffe://acme.example/payments/close-batch --since 2026-11-22T08:00:00Z':
    'test/e2e/audit-commands.test.ts',
  'tallystick audit prove 1/1/57 --dir /evidence/audit --policy audit.policy --out release.tlog-proof':
    'test/e2e/audit-commands.test.ts',
  'tallystick audit verify-proof release.tlog-proof --record release.json --policy audit.policy':
    'test/e2e/audit-commands.test.ts',
  'tallystick audit inventory --dir /evidence/audit --policy audit.policy --at 2026-11-22T09:00:00Z':
    'test/e2e/audit-commands.test.ts',
  'tallystick audit export --dir /evidence/audit --policy audit.policy --format csv --since 2026-11-22T08:00:00Z --until 2026-11-22T09:00:00Z --out evidence.csv':
    'test/e2e/audit-commands.test.ts',
  'tallystick audit verify-export evidence.csv --dir /evidence/audit --policy audit.policy':
    'test/e2e/audit-commands.test.ts',
  'python3 verify.py /evidence/audit audit.policy kept.checkpoint': 'test/e2e/audit-commands.test.ts',
  'python3 verify.py /evidence/audit audit.policy last-year.checkpoint': 'test/interop/audit-verifiers.test.ts',
  'python3 verify.py --proof release.tlog-proof release.json "$VKEY"': 'test/e2e/audit-commands.test.ts',
  'tallystick witness --listen http://127.0.0.1:8482 --state witness --key witness.key --name witness.acme.example --log "$VKEY"':
    'test/e2e/audit-commands.test.ts',
  'python3 verify.py --proof record.tlog-proof record.json "$VKEY"': 'test/interop/audit-verifiers.test.ts',
  'python3 verify.py /evidence/audit/1/1 "$VKEY" last-year.checkpoint': 'test/interop/audit-verifiers.test.ts',
  'tallystick check': 'test/e2e/readme.test.ts',
  'tallystick issuer export --jwks http://127.0.0.1:8480/jwks --revocations http://127.0.0.1:8480/revocations > issuer.json':
    'test/e2e/readme.test.ts',
  'tallystick issuer trust --identity spiffe://acme.example/payments/close-batch > trust.json':
    'test/e2e/sealed-delivery.test.ts',
  'tallystick issuer publish --dir /srv/identity': 'test/e2e/federation.test.ts',
  'tallystick run': 'test/e2e/readme.test.ts',
};

/** Blocks that are run whole, by the flag behind their language, and the test that takes them by it. */
const FLAGGED: Readonly<Record<string, string>> = {
  go: 'test/e2e/audit-page.test.ts',
  hold: 'test/e2e/audit-page.test.ts',
  incarnation: 'test/e2e/audit-page.test.ts',
  leaked: 'test/e2e/audit-reads.test.ts',
  move: 'test/e2e/audit-page.test.ts',
  openssl: 'test/e2e/audit-page.test.ts',
  reconcile: 'test/e2e/reconcile.test.ts',
  vault: 'test/interop/vault/page.test.ts',
};

/** Installations are tried by test/packaging, with all of ours. */
const INSTALLS = /^(?:npm install|pnpm add) (.+)$/;

function commands(): { command: string; page: string }[] {
  return listPages().flatMap((page) =>
    codeBlocks(page, readText(page))
      .filter(({ language, flags }) => language === 'sh' && flags.length === 0)
      .flatMap(({ code }) => code.replaceAll('\\\n', ' ').split('\n'))
      .map((line) =>
        line
          .replace(/(^| )#.*/, '')
          .replaceAll(/\s+/g, ' ')
          .trim(),
      )
      .filter((command) => command !== '')
      .map((command) => ({ command, page })),
  );
}

test('every command of a page is run by a test that is named here', () => {
  expect(commands().filter(({ command }) => !SHOWN_BY[command] && !INSTALLS.test(command))).toEqual([]);
});

test('every flagged block is run by a test that takes it by its flag, and every flag is in a page', () => {
  const flags = listPages()
    .flatMap((page) => codeBlocks(page, readText(page)))
    .filter((block) => block.language === 'sh')
    .flatMap((block) => block.flags);
  expect([...new Set(flags)].sort()).toEqual(Object.keys(FLAGGED));
  for (const [flag, path] of Object.entries(FLAGGED)) expect(readText(path), flag).toContain(`('${flag}')`);
});

test('every package that a page tells people to install is ours, or one that ours are tested with', () => {
  const named = [...readText('pnpm-workspace.yaml').matchAll(/^  ["']?([^"':]+)["']?: /gm)].map((match) => match[1]!);
  const known = new Set([...named, ...publishedPackages().map(({ manifest }) => manifest.name)]);
  const installed = commands().flatMap(({ command, page }) =>
    (INSTALLS.exec(command)?.[1]?.split(' ') ?? []).map((name) => ({ name, page })),
  );
  expect(installed.filter(({ name }) => !name.startsWith('-') && !known.has(name))).toEqual([]);
});

test('every command named here is in a page, and its test exists', () => {
  const written = new Set(commands().map(({ command }) => command));
  expect(Object.keys(SHOWN_BY).filter((command) => !written.has(command))).toEqual([]);
  expect(Object.values(SHOWN_BY).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
