import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Runs `work` outside of the caller's asynchronous context: what goes on in the background must neither be counted
 * as part of the call that happened to start it, nor keep that call's context in memory.
 */
export const outside: <T>(work: () => T) => T = AsyncLocalStorage.snapshot();
