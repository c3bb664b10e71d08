import { expect, test } from 'vitest';
import { salvageAdminSocket, salvageLeasesFolder } from '../../src/config/salvage.ts';
import { GOOD } from './good-config.ts';

const LEASES = '/var/lib/tallystick-test-that-is-not-there/leases';
const ADMIN = '/run/tallystick-admin/admin.sock';

test.each([
  ['a mistake in its meaning', GOOD.replace('2027-06-30', 'never')],
  ['an unknown key', `telemetry: true\n${GOOD}`],
  ['a quote left open below', GOOD.replace('owner: team-payments', 'owner: "team-payments')],
  ['a tab above', `\tversion: 1\n${GOOD}`],
  ['two documents', `${GOOD}---\n${GOOD}`],
  ['Windows line ends and a bracket left open', GOOD.replace('[ledger-api]', '[ledger-api').replaceAll('\n', '\r\n')],
])('folders and sockets are found in a file with %s', (_, text) => {
  expect(salvageLeasesFolder(text)).toBe(LEASES);
  expect(salvageAdminSocket(text)).toBe(ADMIN);
});

test('the folder is found in its long form, over several lines', () => {
  const text = GOOD.replace(/state: .*/, 'state:\n  # three volumes\n  keys: /a\n  leases: /b\n  audit: /c');
  expect(salvageLeasesFolder(`${text}broken: [`)).toBe('/b');
});

test.each([
  ['nothing', ''],
  ['no text but a list', '- state: /var/lib/x'],
  ['a relative path', 'state: ./state\nlisten: { admin: admin.sock }\nbroken: ['],
  ['a path that leads elsewhere', 'state: /var/../etc\nlisten: { admin: /run/../etc/x }'],
  ['the broken part itself', 'state: [/var/lib\nlisten: { admin: "/run'],
  ['a number', 'state: 7\nlisten: 8'],
])('nothing is made up from %s', (_, text) => {
  expect(salvageLeasesFolder(text)).toBeUndefined();
  expect(salvageAdminSocket(text)).toBeUndefined();
});
