/** The version of this package. A test holds it to the manifest. */
export const VERSION = '0.1.0';
