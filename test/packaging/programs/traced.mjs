// A service with an OpenTelemetry set-up of its own: prints the attributes of a span that another library started.
// The argument names the set-up.
import { trace } from '@opentelemetry/api';
import { connect, withBusinessProcess } from '@tallystick/sdk';
import { IdentitySpanProcessor } from '@tallystick/telemetry';

const { exporter, tracerProvider } = await import(process.argv[2]);
trace.setGlobalTracerProvider(tracerProvider(new IdentitySpanProcessor()));
const identity = await connect();
withBusinessProcess({ id: 'BP-1042' }, () => trace.getTracer('another library').startSpan('work').end());
const { attributes } = exporter.getFinishedSpans().find(({ name }) => name === 'work');
console.log(JSON.stringify(attributes));
await identity.close();
