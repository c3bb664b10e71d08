import { expect, test } from 'vitest';
import { readEnvironment } from '../../src/config/environment.ts';

test('the configuration is TALLYSTICK_CONFIG, else tallystick.yaml in the working folder', () => {
  expect(readEnvironment({}, '/srv').configPath).toBe('/srv/tallystick.yaml');
  expect(readEnvironment({ TALLYSTICK_CONFIG: '' }, '/srv').configPath).toBe('/srv/tallystick.yaml');
  expect(readEnvironment({ TALLYSTICK_CONFIG: '/etc/t.yaml' }, '/srv').configPath).toBe('/etc/t.yaml');
  expect(readEnvironment({ TALLYSTICK_CONFIG: 'conf/t.yaml' }, '/srv').configPath).toBe('/srv/conf/t.yaml');
});

test('signals are exported where OpenTelemetry has an endpoint for them, and is not told otherwise', () => {
  const telemetry = (variables: Record<string, string>): unknown => readEnvironment(variables, '/').telemetry;
  const all = { traces: true, metrics: true, logs: true };
  const none = { traces: false, metrics: false, logs: false };
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
  expect(telemetry({})).toEqual(none);
  expect(telemetry(endpoint)).toEqual(all);
  expect(telemetry({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/v1/traces' })).toEqual({
    ...none,
    traces: true,
  });
  expect(telemetry({ ...endpoint, OTEL_METRICS_EXPORTER: 'none' })).toEqual({ ...all, metrics: false });
  expect(telemetry({ ...endpoint, OTEL_SDK_DISABLED: 'TRUE' })).toEqual(none);
});

test('the folders of a user are those of XDG, and state falls back to HOME', () => {
  expect(readEnvironment({ HOME: '/home/a' }, '/')).toMatchObject({
    runtimeFolder: undefined,
    stateFolder: '/home/a/.local/state',
  });
  expect(readEnvironment({ HOME: '/home/a', XDG_STATE_HOME: '/s', XDG_RUNTIME_DIR: '/run/user/1' }, '/')).toMatchObject(
    {
      runtimeFolder: '/run/user/1',
      stateFolder: '/s',
    },
  );
  expect(readEnvironment({ NOTIFY_SOCKET: '@supervisor' }, '/')).toMatchObject({
    stateFolder: undefined,
    notifySocket: '@supervisor',
  });
});
