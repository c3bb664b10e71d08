/** A second copy of a module: the test runner loads one for each query. */
declare module '*?copy';
