import { AsyncLocalStorage } from 'node:async_hooks';
import { context, createContextKey, type Context } from '@opentelemetry/api';
import { isClaimText, MAX_CLAIM_LENGTH } from '@tallystick/core';
import { withProcessBaggage } from './baggage.ts';

/** A business process, as a workload claims to act for it. Each text is 1 to 128 printable ASCII characters. */
export interface BusinessProcess {
  /** Its id in the organisation, such as `BP-1042`. */
  readonly id: string;
  /** One run of it. */
  readonly runId?: string | undefined;
  /** The ticket or change under which the run is done. */
  readonly ticket?: string | undefined;
}

// Our own storage, because the context of OpenTelemetry is lost where no context manager is registered; on globalThis,
// so that a service and its dependencies share it although each brought a copy of this package.
const SLOT = Symbol.for('tallystick.business-process');
const storage = ((globalThis as Record<symbol, unknown>)[SLOT] ??= new AsyncLocalStorage()) as AsyncLocalStorage<
  BusinessProcess | undefined
>;

const CONTEXT_KEY = createContextKey('tallystick.business-process');

/**
 * Runs `fn` for a business process, and with it all that `fn` starts: spans, requests for credentials and their
 * records carry the process. An inner call replaces an outer one. The process is a claim; it decides nothing.
 *
 * Where OpenTelemetry has a context manager, the id and the run are also put into its baggage.
 *
 * @returns What `fn` returns.
 * @throws {TypeError} A text is not 1 to 128 printable ASCII characters.
 */
export function withBusinessProcess<T>(process: BusinessProcess, fn: () => T): T {
  const { id, runId, ticket } = process;
  requireClaim('id', id);
  if (runId !== undefined) requireClaim('runId', runId);
  if (ticket !== undefined) requireClaim('ticket', ticket);
  const claimed: BusinessProcess = Object.freeze({
    id,
    ...(runId === undefined ? {} : { runId }),
    ...(ticket === undefined ? {} : { ticket }),
  });
  const mirrored = withProcessBaggage(withSpanProcess(context.active(), claimed), claimed);
  return storage.run(claimed, () => context.with(mirrored, fn));
}

function requireClaim(name: string, text: unknown): void {
  if (!isClaimText(text)) {
    throw new TypeError(`"${name}" of a business process must be 1 to ${MAX_CLAIM_LENGTH} printable ASCII characters`);
  }
}

/** Returns the business process that the running code acts for, or undefined. */
export function currentBusinessProcess(): BusinessProcess | undefined {
  return storage.getStore();
}

/** Returns `parent` with a business process for the spans that are started in it, and for nothing else. */
export function withSpanProcess(parent: Context, process: BusinessProcess): Context {
  return parent.setValue(CONTEXT_KEY, process);
}

/** Returns the business process of the spans that are started in `parent`. */
export function spanProcess(parent: Context): BusinessProcess | undefined {
  return (parent.getValue(CONTEXT_KEY) as BusinessProcess | undefined) ?? storage.getStore();
}
