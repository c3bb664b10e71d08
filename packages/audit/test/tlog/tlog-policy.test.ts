import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatVkey, isQuorum, KEY_TYPE, parseTlogPolicy, publicNoteKey, type KeyType } from '../../src/index.ts';
import { c2sp } from './c2sp.ts';
import { faultOf } from './fault-of.ts';

const vkey = (name: string, type: KeyType, privateKey = generateKeyPairSync('ed25519').privateKey): string =>
  formatVkey(publicNoteKey({ name, privateKey }, type));
const LOG = vkey('log.example', KEY_TYPE.ed25519);
const W = ['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3'].map((name) => vkey(`${name}.example`, KEY_TYPE.cosignature));
const parse = (text: string) => parseTlogPolicy(Buffer.from(text));

/** The example of the text, with keys. */
const EXAMPLE = `log ${LOG}

witness X1 ${W[0]}
witness X2 ${W[1]}
witness X3 ${W[2]}
group X-witnesses 2 X1 X2 X3

witness Y1 ${W[3]}
witness Y2 ${W[4]}
witness Y3 ${W[5]}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;

describe('a policy (tlog-policy)', () => {
  test('is that of the example', () => {
    const policy = parse(EXAMPLE);
    expect(policy.logs.map((log) => log.vkey)).toEqual([LOG]);
    expect(policy.witnesses.map(({ name }) => name)).toEqual(['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3']);
    expect(policy.groups).toEqual([
      { name: 'X-witnesses', threshold: 2, members: ['X1', 'X2', 'X3'] },
      { name: 'Y-witnesses', threshold: 1, members: ['Y1', 'Y2', 'Y3'] },
      { name: 'X-and-Y', threshold: 2, members: ['X-witnesses', 'Y-witnesses'] },
    ]);
    expect(policy.quorum).toBe('X-and-Y');
  });

  test('of the example asks for two of X and one of Y, whoever else witnessed', () => {
    const policy = parse(EXAMPLE);
    fc.assert(
      fc.property(fc.subarray(['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3', 'stranger']), (witnessed) => {
        const of = (letter: string) => witnessed.filter((name) => name.startsWith(letter)).length;
        expect(isQuorum(policy, new Set(witnessed))).toBe(of('X') >= 2 && of('Y') >= 1);
      }),
    );
  });

  test('asks for one witness, for none, or has no log', () => {
    const one = parse(`witness w ${W[0]}\nquorum w\n`);
    expect(isQuorum(one, new Set())).toBe(false);
    expect(isQuorum(one, new Set(['w']))).toBe(true);
    expect(one.logs).toEqual([]);
    expect(isQuorum(parse('quorum none\n'), new Set())).toBe(true);
  });

  test('has comments, blank lines, tabs, and space around its items; and URLs that it does not read', () => {
    const policy = parse(
      `\t# by security\n\n  log \t ${LOG}  https://log.example/ \n#\nwitness w ${W[0]} not-a-url\n quorum\tnone \n`,
    );
    expect(policy.logs[0]!.url).toBe('https://log.example/');
    expect(policy.witnesses[0]!.url).toBe('not-a-url');
  });

  test('takes names octet by octet: K and the Kelvin sign are two', () => {
    const policy = parse(`witness K ${W[0]}\nwitness \u212a ${W[1]}\nwitness none2 ${W[2]}\nquorum \u212a\n`);
    expect(isQuorum(policy, new Set([policy.witnesses[0]!.name]))).toBe(false);
    expect(isQuorum(policy, new Set([policy.witnesses[1]!.name]))).toBe(true);
  });

  test('may have 32 logs, 32 witnesses and 32 groups, each within the next', () => {
    const lines = Array.from({ length: 32 }, (_, i) => [
      `log ${vkey(`log-${i}.example`, KEY_TYPE.ed25519)}`,
      `witness w${i} ${vkey(`w${i}.example`, KEY_TYPE.cosignature)}`,
      `group g${i} any w${i}${i > 0 ? ` g${i - 1}` : ''}`,
    ]);
    const policy = parse(`${lines.flat().join('\n')}\nquorum g31\n`);
    expect(isQuorum(policy, new Set(['w0']))).toBe(true);
    expect(isQuorum(policy, new Set())).toBe(false);
  });

  test('may have groups nested 20,000 deep without a stack overflow', () => {
    const groups = Array.from({ length: 20_000 }, (_, i) => `group g${i + 1} all ${i === 0 ? 'w' : `g${i}`}`);
    const policy = parse(`witness w ${W[0]}\n${groups.join('\n')}\nquorum g20000\n`);
    expect(isQuorum(policy, new Set(['w']))).toBe(true);
  });

  const key = generateKeyPairSync('ed25519').privateKey;
  test.each([
    ['is empty', '', 'policy'],
    ['has no quorum', `log ${LOG}\n`, 'policy'],
    ['has two quorums', 'quorum none\nquorum none\n', 'policy'],
    ['has a quorum of two names', `witness w ${W[0]}\nquorum w w\n`, 'policy'],
    ['has a quorum that is not defined', 'quorum w\n', 'policy'],
    ['has a quorum that is defined later', `quorum w\nwitness w ${W[0]}\n`, 'policy'],
    ['has an unknown keyword', 'Quorum none\n', 'policy'],
    ['ends without a newline', 'quorum none', 'policy'],
    ['has a comment after an item', 'quorum none # all\n', 'policy'],
    ['has a carriage return', 'quorum none\r\n', 'policy'],
    ['has a DEL', 'quorum none\n#\u007f\n', 'policy'],
    ['parts items by a Unicode space', 'quorum\u00a0none\n', 'policy'],
    ['has a log without a key', 'log\nquorum none\n', 'policy'],
    ['has a log with two URLs', `log ${LOG} a b\nquorum none\n`, 'policy'],
    ['has a log twice', `log ${LOG}\nlog ${LOG}\nquorum none\n`, 'policy'],
    [
      'has the key of a log under two names',
      `log ${vkey('a', 1, key)}\nlog ${vkey('b', 1, key)}\nquorum none\n`,
      'policy',
    ],
    ['has a witness without a name', `witness ${W[0]}\nquorum none\n`, 'policy'],
    ['has a witness with two URLs', `witness w ${W[0]} a b\nquorum none\n`, 'policy'],
    ['has two witnesses of one name', `witness w ${W[0]}\nwitness w ${W[1]}\nquorum w\n`, 'policy'],
    [
      'has two witnesses of one key',
      `witness v ${vkey('a', 4, key)}\nwitness w ${vkey('b', 4, key)}\nquorum v\n`,
      'policy',
    ],
    ['has a witness called none', `witness none ${W[0]}\nquorum none\n`, 'policy'],
    ['has a group called none', `witness w ${W[0]}\ngroup none any w\nquorum none\n`, 'policy'],
    ['has a group of the name of a witness', `witness w ${W[0]}\ngroup w any w\nquorum w\n`, 'policy'],
    ['has a group without members', 'group g any\nquorum none\n', 'policy'],
    ['has a group with none among its members', 'group g any none\nquorum g\n', 'policy'],
    ['has a group that is its own member', 'group g any g\nquorum g\n', 'policy'],
    ['has a group with a member of later', `group g any w\nwitness w ${W[0]}\nquorum g\n`, 'policy'],
    ['has a group of 0', `witness w ${W[0]}\ngroup g 0 w\nquorum g\n`, 'policy'],
    ['has a group of more than its members', `witness w ${W[0]}\ngroup g 2 w\nquorum g\n`, 'policy'],
    ['has a group of -1', `witness w ${W[0]}\ngroup g -1 w\nquorum g\n`, 'policy'],
    ['has a group of 01', `witness w ${W[0]}\ngroup g 01 w\nquorum g\n`, 'policy'],
    ['has a group of ALL', `witness w ${W[0]}\ngroup g ALL w\nquorum g\n`, 'policy'],
    ['has a member twice in a group', `witness w ${W[0]}\ngroup g 2 w w\nquorum g\n`, 'policy'],
    ['has a member in two groups', `witness w ${W[0]}\ngroup g any w\ngroup h any w\nquorum g\n`, 'policy'],
    ['has a log with the key of a witness', `log ${W[0]}\nquorum none\n`, 'key_type'],
    ['has a witness with the key of a log', `witness w ${LOG}\nquorum none\n`, 'key_type'],
    ['has a log of no key', 'log key\nquorum none\n', 'key'],
    [
      'has a key that is not understood',
      `log ${c2sp.go.wrongKeys['unknown type, with adjusted id']}\nquorum none\n`,
      'key_type',
    ],
  ] as const)('that %s is refused', (_what, text, fault) => expect(faultOf(() => parse(text))).toBe(fault));

  test('with a vkey that is not UTF-8 is refused', () => {
    // The name that a lenient decoder would make of the octet, so that the id fits.
    const replaced = vkey('\ufffd', KEY_TYPE.ed25519).replace('\ufffd', '\xff');
    const octets = Buffer.from(`log ${replaced}\nquorum none\n`, 'latin1');
    expect(faultOf(() => parseTlogPolicy(octets))).toBe('key');
  });

  test('names the line that is wrong', () => {
    expect(() => parse('# one\nquorum none\nquorum none\n')).toThrow(
      'line 3 of the policy: the policy has a quorum already',
    );
  });
});
