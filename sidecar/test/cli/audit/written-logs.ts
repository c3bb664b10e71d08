import { createPrivateKey, type KeyObject } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  createNodeDisk,
  createNodeLogFiles,
  encodeRecord,
  formatVkey,
  inlineJournal,
  KEY_TYPE,
  openLog,
  originOf,
  publicNoteKey,
  type AuditRecord,
  type Lineage,
  type Log,
  type LogPlace,
  type RecordBodies,
  type RecordType,
} from '@tallystick/audit';
import {
  canonicalJson,
  leaseId,
  registryDigest,
  systemTimers,
  ulid,
  type IdentityObject,
  type Json,
} from '@tallystick/core';

const OWNER = { trustDomain: 'acme.example', sidecarId: 'sc-1' };
const DURABILITY = { class: 'node', fileSystem: 'ext4' } as const;
export const START = '2026-11-22T08:00:00.000Z';
export const CLOSE = 'spiffe://acme.example/payments/close-batch';
export const REPORT = 'spiffe://acme.example/payments/report';
const DIGEST = Buffer.alloc(32).toString('base64url');

const KEY: KeyObject = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]),
  format: 'der',
  type: 'pkcs8',
});

/** Returns the public key of a log of the tests. */
export function vkeyAt(place: LogPlace): string {
  return formatVkey(publicNoteKey({ name: originOf(OWNER, place), privateKey: KEY }, KEY_TYPE.ed25519));
}

/** Logs of one sidecar on this machine's disk, by the writer of `packages/audit`, on a clock that one moves. */
export class WrittenLogs {
  readonly dir: string;
  nowMs: number = Date.parse(START);
  readonly #identities = new Map<string, IdentityObject>();
  #boot = '';
  #made = 0;
  #log!: Log;
  /** Leases of the releases, in their order. */
  readonly leases: string[] = [];

  private constructor(dir: string) {
    this.dir = dir;
    this.#boot = this.#ulid();
  }

  static async begin(): Promise<WrittenLogs> {
    const dir = mkdtempSync(join(tmpdir(), 'tallystick-audit-'));
    const logs = new WrittenLogs(dir);
    logs.#log = await openLog({
      ...OWNER,
      folder: dir,
      openKey: async () => KEY,
      clock: { nowMs: () => logs.nowMs, monotonicMs: () => performance.now() },
      timers: systemTimers,
      lock: () => Promise.resolve({ release: () => Promise.resolve() }),
      openFiles: createNodeLogFiles,
      openJournal: inlineJournal(createNodeDisk, { unitBytes: 16_384, segmentBytes: 65_536 }),
      opening: (lineage) => [() => logs.#first(lineage)],
      closing: () => [],
      onFailure: (error) => {
        throw error;
      },
    });
    onTestFinished(async () => {
      await logs.#log.close();
      rmSync(dir, { recursive: true });
    });
    await logs.append('log.boot', {
      durability: DURABILITY,
      openIntents: 0,
      previousBoot: null,
      v: 1,
      version: '0.2.0',
    });
    return logs;
  }

  /** A log of a hundred and some records of two identities, published: what most tests read. */
  static async plausible(): Promise<WrittenLogs> {
    const logs = await WrittenLogs.begin();
    const appended = [logs.register(CLOSE, 'team-payments'), logs.register(REPORT, 'team-finance')];
    for (let minute = 0; minute < 60; minute += 1) {
      logs.nowMs += 60_000;
      appended.push(logs.release(minute % 3 === 0 ? REPORT : CLOSE, `run-${minute % 2}`));
      if (minute % 10 === 0) appended.push(logs.deny(REPORT));
      appended.push(logs.append('log.heartbeat', { anchor: null, durability: DURABILITY, v: 1 }));
    }
    appended.push(logs.suspend(REPORT));
    await Promise.all(appended);
    await logs.publish();
    return logs;
  }

  get size(): number {
    return this.#log.head()!.size;
  }

  async append<T extends RecordType>(
    type: T,
    body: RecordBodies[T],
    members: Partial<AuditRecord> = {},
  ): Promise<AuditRecord> {
    let record!: AuditRecord;
    await this.#log.append((seq) => encodeRecord((record = this.#record(this.#log.origin, seq, type, body, members))));
    return record;
  }

  register(id: string, ownerId: string): Promise<AuditRecord> {
    const owner = { accountable: null, backup: null, id: ownerId, kind: 'team' } as const;
    const object: IdentityObject = {
      businessProcesses: ['BP-1042'],
      entitlements: [{ credential: 'ledger-api', minAssurance: 'process', scope: null }],
      environment: 'production',
      expires: '2027-06-30',
      id,
      kind: 'workload',
      match: [['unix:uid:1001']],
      owner,
      purpose: 'posts the month-end journal',
      receives: [],
      revocable: 'exp',
    };
    this.#identities.set(id, object);
    return this.append('identity.registered', { change: null, identity: id, object, v: 1 });
  }

  release(actor: string, run: string, parts: Partial<RecordBodies['credential.released']> = {}): Promise<AuditRecord> {
    const lease = leaseId({ nowMs: () => this.nowMs }, this.#random());
    this.leases.push(lease);
    const claimed = { id: 'BP-1042', run, ticket: null };
    const process = { claimed, match: true, registered: ['BP-1042'] };
    const body = { ...ASKED, handles: { jti: lease }, ...parts };
    return this.append('credential.released', body, { actor, lease, process, reason: 'entitled' });
  }

  deny(actor: string, claim = 'BP-9'): Promise<AuditRecord> {
    const body = {
      ...ASKED,
      binding: null,
      granted: null,
      handles: null,
      notAfter: null,
      provider: null,
      source: null,
    };
    const process = { claimed: { id: claim, run: null, ticket: null }, match: false, registered: ['BP-1042'] };
    return this.append('credential.denied', body, { actor, outcome: 'denied', process, reason: 'not_entitled' });
  }

  suspend(id: string): Promise<AuditRecord> {
    const operator = { loginUid: 1000, reason: 'INC-4711', tty: 'pts/3', uid: 0 };
    const object = this.#identities.get(id)!;
    const body = { change: null, effectiveAt: null, identity: id, late: false, object, operator, v: 1 };
    return this.append('identity.suspended', body, { actor: 'operator', reason: operator.reason });
  }

  /** Appends a record of a type that this release does not know. */
  async appendLater(): Promise<void> {
    const known = (seq: number): AuditRecord =>
      this.#record(this.#log.origin, seq, 'sidecar.stopped', { cause: 'x', v: 1 });
    await this.#log.append((seq) => Buffer.from(canonicalJson({ ...known(seq), type: 'zz.later' } as unknown as Json)));
  }

  publish(): Promise<void> {
    return this.#log.publish();
  }

  /** Closes the shard and begins the next one, which lists what is in force. */
  async nextShard(): Promise<void> {
    await this.append('log.shard_closed', { cause: 'period', next: null, v: 1 });
    this.#log = await this.#log.nextShard(new Uint8Array());
    for (const object of this.#identities.values()) {
      await this.append('identity.listed', { identity: object.id, object, suspended: false, v: 1 });
    }
    await this.publish();
  }

  /** Returns the bytes of a file of a log, or changes one byte of it. */
  read(path: string): Buffer {
    return readFileSync(join(this.dir, path));
  }

  flip(path: string, at: number): void {
    const bytes = this.read(path);
    bytes[at]! ^= 1;
    writeFileSync(join(this.dir, path), bytes);
  }

  /** The only partial bundle of the log 1/1: its file, and where the bytes of a text in it begin. */
  bundle(text: string): { path: string; at: number } {
    const folder = 'tile/entries/000.p';
    const widths = readdirSync(join(this.dir, '1/1', folder)).map(Number);
    const path = `1/1/${folder}/${Math.max(...widths)}`;
    return { path, at: this.read(path).indexOf(text) };
  }

  #first({ relation, previous }: Lineage): Buffer {
    const before = previous && {
      checkpoint: Buffer.from(previous.checkpoint).toString(),
      origin: previous.origin,
      root: Buffer.from(previous.root).toString('base64'),
      size: previous.size,
    };
    const shard = relation === 'shard';
    const place = { incarnation: 1, shard: shard ? 2 : 1 };
    const origin = originOf(OWNER, place);
    const counts = { identities: this.#identities.size, intents: 0, leases: 0 };
    return encodeRecord(
      shard
        ? this.#record(origin, 0, 'log.shard_opened', {
            cause: 'period',
            ...counts,
            previous: before!,
            v: 1,
            vkey: vkeyAt(place),
          })
        : this.#record(origin, 0, 'log.genesis', {
            cause: 'new',
            durability: DURABILITY,
            fingerprints: null,
            fiscalYearStart: null,
            operator: null,
            previous: null,
            v: 1,
            version: '0.2.0',
            vkey: vkeyAt(place),
            zone: 'UTC',
          }),
    );
  }

  #record<T extends RecordType>(
    origin: string,
    seq: number,
    type: T,
    body: RecordBodies[T],
    members: Partial<AuditRecord> = {},
  ): AuditRecord {
    const { root, entries } = registryDigest([...this.#identities.values()]);
    const identity = this.#identities.get(members.actor ?? '');
    return {
      actor: 'sidecar',
      body,
      boot: this.#boot,
      clock: null,
      corr: null,
      id: this.#ulid(),
      lease: null,
      origin,
      outcome: 'success',
      owner: identity?.owner ?? null,
      process: null,
      reason: null,
      refs: [],
      registry: type.startsWith('log.') ? null : { entry: entries.get(members.actor ?? '') ?? null, root },
      seq,
      time: new Date(this.nowMs).toISOString(),
      trace: null,
      type,
      v: 1,
      ...members,
    } as AuditRecord;
  }

  #ulid(): string {
    return ulid({ nowMs: () => this.nowMs }, this.#random());
  }

  #random(): { bytes: (size: number) => Uint8Array } {
    this.#made += 1;
    const bytes = Buffer.alloc(10);
    bytes.writeUInt32BE(this.#made, 6);
    return { bytes: () => bytes };
  }
}

const ASKED: RecordBodies['credential.released'] = {
  assurance: 'process',
  binding: 'dpop',
  entitlement: 'ledger-api',
  fp: null,
  from: { node: 'node-7', pid: 4242, podUid: null, uid: 1001 },
  granted: { audience: 'https://ledger.acme.example', scope: ['journal.write'] },
  handles: { jti: 'handle' },
  jkt: DIGEST,
  name: 'ledger-api',
  notAfter: '2026-11-22T23:15:00.000Z',
  proof: { iat: 1_795_000_000, jti: 'proof-1', sha256: DIGEST },
  provider: 'issuer',
  requestHash: DIGEST,
  requested: { clientId: null, resource: 'https://ledger.acme.example', scope: null },
  selectors: ['unix:uid:1001'],
  source: 'minted',
  v: 1,
};
