// A program that makes one span and then does what its argument says.
import { trace } from '@opentelemetry/api';

const span = (name: string): void => trace.getTracer('program').startSpan(name).end();

span('work');
switch (process.argv[2]) {
  case 'exit code':
    process.exitCode = 7;
    break;
  case 'process.exit':
    // oxlint-disable-next-line unicorn/no-process-exit -- what happens then is the question
    process.exit(3);
    break;
  case 'throw':
    throw new Error('mine');
  case 'unsettled':
    await new Promise(() => {});
    break;
  case 'wait':
    setInterval(() => undefined, 1000);
    break;
  case 'handle':
    process.on('SIGTERM', () => {
      span('shutting down');
      process.exitCode = 5;
      clearInterval(timer);
    });
    break;
  case 'input':
    await new Promise((resolve) => process.stdin.once('data', resolve));
    process.stdin.destroy();
    break;
  case 'idle':
    await new Promise((resolve) => setImmediate(resolve));
    process.stdout.write(
      `held by ${process
        .getActiveResourcesInfo()
        .filter((kind) => /Timeout|TCP/.test(kind))
        .join()}\n`,
    );
    break;
  case 'more at the end': {
    let more = 2;
    process.on('beforeExit', () => {
      if (more-- > 0) setImmediate(() => process.stdout.write('more\n'));
    });
    break;
  }
}
const timer = process.argv[2] === 'handle' ? setInterval(() => undefined, 1000) : undefined;
process.stdout.write('ready\n');
