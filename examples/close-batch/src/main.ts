// Posts journal entries to the ledger, one after the other, for the business process it runs.
import { parseArgs } from 'node:util';
import { trace } from '@opentelemetry/api';
import { connect, TallystickError, withBusinessProcess } from '@tallystick/sdk';

const { values } = parseArgs({
  options: {
    ledger: { type: 'string', default: 'https://ledger.acme.example' },
    process: { type: 'string', default: 'BP-1042' },
    run: { type: 'string', default: '2026-11' },
    entries: { type: 'string', default: '3' },
    pause: { type: 'string', default: '0' },
  },
});

const tracer = trace.getTracer('close-batch');
const identity = await connect();
print({ event: 'connected', id: identity.id, owner: identity.owner });

for (let number = 1; number <= Number(values.entries); number++) {
  await withBusinessProcess({ id: values.process, runId: values.run }, () =>
    tracer.startActiveSpan('post_journal_entry', (span) => post(number).finally(() => span.end())),
  );
  await new Promise((resolve) => setTimeout(resolve, Number(values.pause)));
}
await identity.close();

async function post(number: number): Promise<void> {
  try {
    const response = await identity.fetch(`${values.ledger}/journal`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ number, debit: '1000', credit: '2000', cents: 125_00 }),
    });
    print({ event: 'posted', number, status: response.status, answer: await response.json() });
  } catch (error) {
    // Ours say what to do; anything else is the network.
    const { code, message } = TallystickError.is(error) ? error : { code: 'network', message: String(error) };
    print({ event: 'failed', number, code, message });
  }
}

function print(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
