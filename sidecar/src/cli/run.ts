import { operatorOf } from '../api/admin/operator.ts';
import { ConfigInvalidError, startDaemon, type Daemon } from '../run.ts';
import { CONFIG_OPTION, configPathOf, defineCommand, EXIT, UsageError } from './command.ts';
import { explainMistake } from './explain-mistake.ts';
import type { LogLevel } from '../observe/log.ts';

const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error'] satisfies readonly LogLevel[];

/** `tallystick run`: the daemon, in the foreground, until SIGTERM or SIGINT. SIGHUP reads the configuration again. */
export const run = defineCommand({
  name: 'run',
  summary: 'serve workloads until stopped',
  options: {
    ...CONFIG_OPTION,
    'new-incarnation': {
      type: 'string',
      value: 'REASON',
      doc: 'begin a new log beside one that cannot be continued, and say why on record',
    },
    'log-level': { type: 'string', value: 'LEVEL', doc: 'debug, info (default), warn or error' },
  },
  async run(invocation) {
    const level = invocation.options['log-level'] ?? 'info';
    if (!LEVELS.includes(level)) throw new UsageError(`--log-level must be one of ${LEVELS.join(', ')}`);
    // Node opens its debugger for it, on a TCP port where every user of the machine may then read the keys.
    process.on('SIGUSR1', () => {});
    const configPath = configPathOf(invocation);
    // Before it serves: whoever waits for that may stop it at once.
    const { promise: signalled, resolve } = Promise.withResolvers<NodeJS.Signals>();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
    let daemon: Daemon | undefined;
    process.on('SIGHUP', () => void daemon?.reload());
    const reason = invocation.options['new-incarnation'];
    const self = { uid: process.getuid?.() ?? 0, pid: process.pid };
    const newIncarnation = reason === undefined ? undefined : await operatorOf(self, reason);
    try {
      daemon = await startDaemon({
        configPath,
        environment: invocation.environment,
        writeLog: (line) => invocation.stderr.write(line),
        logLevel: level as LogLevel,
        newIncarnation,
      });
    } catch (error) {
      if (!(error instanceof ConfigInvalidError)) throw error;
      for (const mistake of error.mistakes) invocation.stderr.write(explainMistake(configPath, 'error', mistake));
      return EXIT.notOk;
    }
    const cause = await Promise.race([signalled, daemon.ended]);
    const ended = await daemon.stop(cause === 1 ? 'record_failed' : cause);
    // A thread that hangs in a call to the disk holds up every other way to end.
    if (ended === 'stuck') process.kill(process.pid, 'SIGKILL');
    return cause === 1 ? EXIT.notOk : EXIT.ok;
  },
});
