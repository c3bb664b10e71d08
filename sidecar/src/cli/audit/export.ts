import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { createExporter, EXPORT_FORMATS, type ExportManifest } from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import { VERSION } from '../../version.ts';
import { jsonText } from '../ask-sidecar.ts';
import { defineCommand, EXIT, JSON_OPTION, UsageError } from '../command.ts';
import { DIR_OPTIONS, logsFolderOf, TRUST_OPTIONS, trustOf } from './log-options.ts';
import { unreadable } from './read-named.ts';
import { READ_OPTIONS, recordExport } from './recorded-read.ts';
import { QUERY_OPTIONS, queryOf, zoneOfPeriod } from './query-options.ts';
import { openSignedLogs, signedLeaves } from './signed-log.ts';

/** What stands behind the name of an export in that of its manifest. */
export const MANIFEST = '.manifest.json';

const FORMATS = Object.keys(EXPORT_FORMATS) as ExportManifest['format'][];

/** `tallystick audit export`: evidence: selected records from verified leaves, and the manifest that says of what. */
export const exportRecords = defineCommand({
  name: 'audit export',
  summary: 'write selected records as evidence, with a manifest that anybody with the log can make again',
  options: {
    ...DIR_OPTIONS,
    ...TRUST_OPTIONS,
    ...QUERY_OPTIONS,
    format: { type: 'string', value: 'FORMAT', doc: FORMATS.join(', ') },
    out: { type: 'string', value: 'FILE', doc: `where to; the manifest goes beside it, as FILE${MANIFEST}` },
    reason: { ...READ_OPTIONS.reason, doc: 'what for: it stands in the manifest, and in the record of this export' },
    ...JSON_OPTION,
  },
  async run(invocation) {
    const { options, stdout, clock } = invocation;
    const format = FORMATS.find((each) => each === options.format);
    if (!format) throw new UsageError(`--format must be one of ${FORMATS.join(', ')}`);
    if (options.out === undefined) throw new UsageError('say where to: --out FILE');
    const query = queryOf(options);
    const dir = await logsFolderOf(invocation);
    const trust = trustOf(options, dir);
    const logs = openSignedLogs(dir, trust);
    const exporter = createExporter({
      format,
      query,
      logs: logs.map(({ origin, size, root, checkpoint }) => ({
        origin,
        size,
        root: Buffer.from(root).toString('base64'),
        checkpoint: Buffer.from(checkpoint).toString('utf8'),
      })),
      zone: zoneOfPeriod(options),
      exportedAt: new Date(clock.nowMs()).toISOString(),
      exportedBy: exporterOf(options.reason),
      tool: { name: 'tallystick', sha256: programDigest(), version: VERSION },
    });
    const out = resolve(options.out);
    const scan = (write: (text: string) => void): ExportManifest => {
      write(exporter.start);
      for (const log of logs) {
        for (const leaf of signedLeaves(log)) {
          const line = exporter.add(leaf);
          if (line !== null) write(line);
        }
      }
      return exporter.finish();
    };
    const manifest = await writeExport(out, scan, (made, sha256) =>
      recordExport(invocation, logs, {
        cutOff: made.cutOff ?? made.exportedAt,
        format,
        heads: made.logs.slice(-MAX_HEADS).map((log) => ({ origin: log.origin, root: log.root, size: log.size })),
        manifest: sha256,
        query,
        rows: made.selected,
        zone: made.zone,
      }),
    );
    const { selected, openIntents, gaps, late } = manifest;
    const facts = { file: out, manifest: `${out}${MANIFEST}`, key: trust.source, selected };
    stdout.write(
      options.json
        ? jsonText(facts)
        : `${facts.file}\n${facts.manifest}\n  ${selected} selected; ${openIntents.length} open intents, ${gaps.length} gaps, ${late.length} late\n`,
    );
    return EXIT.ok;
  },
});

/** As many heads as a record of an export may hold. */
const MAX_HEADS = 256;

/**
 * Writes both files, or none: they get their names once the leaves are known to be those under the signed heads, and
 * the export is on record.
 *
 * @param record Told of the manifest and the SHA-256 of its file, base64url.
 * @throws {TallystickError} `log_invalid`; `state_unusable`: a file is there already, or cannot be written.
 */
async function writeExport(
  out: string,
  run: (write: (text: string) => void) => ExportManifest,
  record: (manifest: ExportManifest, sha256: string) => Promise<void>,
): Promise<ExportManifest> {
  for (const path of [out, `${out}${MANIFEST}`]) {
    if (existsSync(path)) {
      throw new TallystickError('state_unusable', `"${path}" is there already`, {
        remedy: 'name another file with --out',
      });
    }
  }
  const [partial, partialManifest] = [`${out}.partial`, `${out}${MANIFEST}.partial`];
  try {
    const manifest = written(partial, run);
    const text = jsonText(manifest);
    written(partialManifest, (write) => write(text));
    await record(manifest, createHash('sha256').update(text).digest('base64url'));
    renameSync(partialManifest, `${out}${MANIFEST}`);
    renameSync(partial, out);
    return manifest;
  } catch (error) {
    for (const path of [partial, partialManifest]) rmSync(path, { force: true });
    throw TallystickError.is(error) ? error : unreadable(out, error);
  }
}

function written<T>(path: string, run: (write: (text: string) => void) => T): T {
  const file = openSync(path, 'wx', 0o600);
  try {
    const result = run((text) => {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    });
    fsyncSync(file);
    return result;
  } finally {
    closeSync(file);
  }
}

function exporterOf(reason = 'audit export'): ExportManifest['exportedBy'] {
  return { loginUid: loginUid(), reason, tty: null, uid: process.getuid?.() ?? 0 };
}

/** Who logged in, whatever they became since; null where nobody did. */
function loginUid(): number | null {
  try {
    const uid = Number(readFileSync('/proc/self/loginuid', 'utf8'));
    return uid === 0xffff_ffff ? null : uid;
  } catch {
    return null;
  }
}

/** The digest of the file that this process was started by; null where there is none. */
function programDigest(): string | null {
  try {
    return createHash('sha256')
      .update(readFileSync(process.argv[1] ?? ''))
      .digest('base64url');
  } catch {
    return null;
  }
}
