import type { Mistake } from './fault.ts';
import { createLastGood } from './last-good.ts';
import { loadConfig, loadText, type LoadedConfig, type LoadOptions } from './load-config.ts';
import { salvageLeasesFolder } from './salvage.ts';

/** Why the file is not used, and until when its copy may be. */
export interface Refusal {
  readonly mistakes: readonly Mistake[];
  /** Milliseconds since the epoch. */
  readonly usableUntilMs: number;
}

/** What a sidecar starts with. `refusal` is undefined when the file is good. */
export type OpenResult =
  | { readonly ok: true; readonly loaded: LoadedConfig; readonly refusal: Refusal | undefined }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

/**
 * Loads the configuration that a sidecar starts with: the file, or, for a day after it was found broken, the copy of
 * the last good one. Never throws, and writes nothing: whoever starts the sidecar prepares its state folders, and
 * then calls `keep` or `refuse` of the {@link LastGood} there.
 */
export async function openConfig(path: string, options: LoadOptions): Promise<OpenResult> {
  const result = await loadConfig(path, options);
  if (result.ok) return { ok: true, loaded: result.loaded, refusal: undefined };
  const { mistakes, text } = result;
  const folder = text === undefined ? undefined : salvageLeasesFolder(text);
  const copy = folder === undefined ? undefined : await createLastGood(folder, options.clock).read();
  if (!copy) return { ok: false, mistakes };
  // A copy that an older version wrote may not satisfy this one.
  const last = await loadText(copy.text, undefined, options);
  if (!last.ok) return { ok: false, mistakes };
  return { ok: true, loaded: last.loaded, refusal: { mistakes, usableUntilMs: copy.usableUntilMs } };
}
