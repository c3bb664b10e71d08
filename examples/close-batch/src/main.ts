// Posts journal entries to the ledger, one after the other, for the business process it runs.
import { parseArgs } from 'node:util';
import { trace } from '@opentelemetry/api';
import { connect, TallystickError, withBusinessProcess } from '@tallystick/sdk';
import { madeUpJournal } from './journal.ts';

const { values } = parseArgs({
  options: {
    ledger: { type: 'string', default: 'https://ledger.acme.example' },
    process: { type: 'string', default: 'BP-1042' },
    run: { type: 'string', default: '2026-11' },
    entries: { type: 'string', default: '3' },
    pause: { type: 'string', default: '0' },
    /** Where the journal is, as postgresql://host:port/database; absent: entries are made up. */
    database: { type: 'string' },
    /** The token endpoint of another authorization server that may bind its tokens to our key. */
    'authorization-server': { type: 'string' },
  },
});

const tracer = trace.getTracer('close-batch');
const authorizationServer = values['authorization-server'];
const identity = await connect(authorizationServer ? { authorizationServers: [authorizationServer] } : {});
print({ event: 'connected', id: identity.id, owner: identity.owner });

const journal = values.database
  ? (await import('./database-journal.ts')).databaseJournal(identity, new URL(values.database))
  : madeUpJournal();
for (let number = 1; number <= Number(values.entries); number++) {
  await withBusinessProcess({ id: values.process, runId: values.run }, () =>
    tracer.startActiveSpan('post_journal_entry', (span) => post(number).finally(() => span.end())),
  );
  await new Promise((resolve) => setTimeout(resolve, Number(values.pause)));
}
await journal.close();
await identity.close();

async function post(number: number): Promise<void> {
  try {
    const response = await identity.fetch(`${values.ledger}/journal`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(await journal.entry(number)),
    });
    if (response.ok) await journal.posted(number);
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
