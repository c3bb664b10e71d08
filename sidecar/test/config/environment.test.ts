import { expect, test } from 'vitest';
import { readEnvironment } from '../../src/config/environment.ts';

test('the configuration is TALLYSTICK_CONFIG, else tallystick.yaml in the working folder', () => {
  expect(readEnvironment({}, '/srv').configPath).toBe('/srv/tallystick.yaml');
  expect(readEnvironment({ TALLYSTICK_CONFIG: '' }, '/srv').configPath).toBe('/srv/tallystick.yaml');
  expect(readEnvironment({ TALLYSTICK_CONFIG: '/etc/t.yaml' }, '/srv').configPath).toBe('/etc/t.yaml');
  expect(readEnvironment({ TALLYSTICK_CONFIG: 'conf/t.yaml' }, '/srv').configPath).toBe('/srv/conf/t.yaml');
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
