/** The version of this package, for its own instrumentation scope. */
export const VERSION = '0.1.0';
