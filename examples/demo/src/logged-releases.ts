import { done } from './command.ts';
import type { Stage } from './stage.ts';

/** What the demo reads of a record of a release. */
export interface LoggedRelease {
  readonly id: string;
  readonly origin: string;
  readonly seq: number;
  readonly lease: string;
  readonly process: { readonly claimed: { readonly id: string; readonly run: string } | null };
  readonly trace: { readonly trace_id: string; readonly span_id: string } | null;
  readonly body: { readonly jkt: string; readonly handles: { readonly jti: string } };
}

/** Returns the releases on record that `tallystick audit log` selects, the oldest first. */
export async function loggedReleases(
  { tallystick, audit, vkey }: Pick<Stage, 'tallystick' | 'audit' | 'vkey'>,
  ...filters: readonly string[]
): Promise<readonly LoggedRelease[]> {
  const type = ['--type', 'credential.released'];
  const listed = await tallystick('audit', 'log', '--dir', audit, '--vkey', vkey, ...type, ...filters, '--json');
  done(listed);
  const { records } = JSON.parse(listed.stdout) as { records: readonly { readonly record: LoggedRelease }[] };
  return records.map(({ record }) => record);
}
