import { scrubText } from '@tallystick/telemetry';
import { start } from './start.ts';

try {
  start();
} catch (error) {
  // Telemetry that cannot start must not stop the service.
  process.emitWarning(`telemetry was not started: ${scrubText(String(error), 256).value}`);
}
