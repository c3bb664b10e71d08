// A user's test with msw: the API is intercepted, and sees what the SDK sends.
import { connect } from '@tallystick/sdk';
import { http, HttpResponse } from 'msw';
import { setupServer } from 'msw/node';

const api = setupServer(
  http.post('https://ledger.acme.example/journal', async ({ request }) =>
    HttpResponse.json({
      scheme: request.headers.get('authorization').split(' ')[0],
      parts: request.headers.get('dpop').split('.').length,
      body: await request.text(),
    }),
  ),
);
api.listen({ onUnhandledRequest: 'bypass' });
const identity = await connect();
const answer = await identity.fetch('https://ledger.acme.example/journal', { method: 'POST', body: 'entry' });
console.log(JSON.stringify(await answer.json()));
await identity.close();
api.close();
