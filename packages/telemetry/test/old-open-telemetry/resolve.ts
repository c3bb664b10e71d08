import { registerHooks } from 'node:module';

/** Makes `@opentelemetry/api` 1.9 of it, for every module of the process. */
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === '@opentelemetry/api'
      ? next('@opentelemetry/api-1.9', { ...context, parentURL: import.meta.url })
      : next(specifier, context),
});
