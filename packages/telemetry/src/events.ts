import * as api from '@opentelemetry/api';
import { pick, type EventAttributes, type EventName } from './attributes.ts';
import { EVENT_ATTRIBUTES, EVENTS, SCHEMA_URL } from './names.ts';

/** What is used of the logs API, which `@opentelemetry/api` has since 1.10. */
interface LogsApi {
  getLogger(
    name: string,
    version: string,
    options: { schemaUrl: string },
  ): {
    emit(record: {
      eventName: string;
      severityNumber: number;
      severityText: string;
      attributes: api.Attributes;
      context: api.Context;
    }): void;
  };
}

/** Emits an event of a scope in the context `parent`; nothing where the API has no logs. */
export function emitEvent<E extends EventName>(
  { name, version }: { readonly name: string; readonly version: string },
  event: E,
  attributes: EventAttributes<E>,
  parent: api.Context,
): void {
  // By its name on the namespace: an import of it does not link under 1.9.
  const { logs } = api as unknown as { logs?: LogsApi };
  logs?.getLogger(name, version, { schemaUrl: SCHEMA_URL }).emit({
    eventName: event,
    ...EVENTS[event],
    attributes: pick(attributes, EVENT_ATTRIBUTES[event]),
    context: parent,
  });
}
