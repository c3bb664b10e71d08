import { parseTlogProof, recordOf, readLeaf, TlogError, verifyTlogProof, VERIFY_EXIT } from '@tallystick/audit';
import { jsonText } from '../ask-sidecar.ts';
import { defineCommand, EXIT, JSON_OPTION, UsageError } from '../command.ts';
import { judging } from './judgement.ts';
import { namedTrust, TRUST_OPTIONS } from './log-options.ts';
import { readNamed } from './read-named.ts';

/** `tallystick audit verify-proof`: that a record is in a log, by the proof and a key alone. */
export const verifyProof = defineCommand({
  name: 'audit verify-proof',
  summary: 'verify the proof that a record is in a log, without the log',
  operands: 'FILE',
  options: {
    record: { type: 'string', value: 'FILE', doc: 'the record, byte for byte as it was logged' },
    ...TRUST_OPTIONS,
    ...JSON_OPTION,
  },
  run({ options, positionals, stdout, stderr }) {
    const [file, ...more] = positionals;
    const { record } = options;
    if (file === undefined || more.length > 0 || record === undefined) {
      throw new UsageError('name the proof and its record: tallystick audit verify-proof FILE --record FILE');
    }
    return judging(stderr, async () => {
      const trust = namedTrust(options);
      if (!trust) throw new UsageError('a proof is worth as much as the key: give it with --policy or --vkey');
      const proofBytes = readNamed(file);
      const bytes = readNamed(record);
      try {
        const proof = parseTlogProof(proofBytes);
        const leaf = readLeaf('', proof.index, bytes);
        const { origin, size, cosignatures } = verifyTlogProof(proof, leaf.hash, trust.policy, 'refuse');
        const id = recordOf(readLeaf(origin, proof.index, bytes))?.id ?? null;
        const facts = { verdict: 'holds', id, origin, index: proof.index, size, cosignatures };
        const seen = cosignatures.map(
          ({ witness, time }) => `\n  seen by ${witness} at ${new Date(time * 1000).toISOString()}`,
        );
        stdout.write(
          options.json
            ? jsonText(facts)
            : `holds: record ${proof.index} of ${size} in ${origin}${id === null ? ', whose content is not understood' : ''}${seen.join('')}\n`,
        );
        return EXIT.ok;
      } catch (error) {
        if (!(error instanceof TlogError)) throw error;
        const { fault, description } = error;
        stdout.write(
          options.json
            ? jsonText({ verdict: 'fails', fault, detail: description })
            : `fails: ${description} (${fault})\n`,
        );
        return VERIFY_EXIT.fails;
      }
    });
  },
});
