import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

// A path: by its name, only what may import it would find it.
const OLD = fileURLToPath(import.meta.resolve('@opentelemetry/api-1.9'));

/** Makes `@opentelemetry/api` 1.9 of it, for every module of the process. */
registerHooks({
  resolve: (specifier, context, next) => next(specifier === '@opentelemetry/api' ? OLD : specifier, context),
});
