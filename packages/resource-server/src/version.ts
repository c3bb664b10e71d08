/** The version of this package, for its instrumentation scope. */
export const VERSION = '0.1.0';
