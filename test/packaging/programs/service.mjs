// A service: connects, gets a token, makes a proof, and prints what it may show of them.
import { connect } from '@tallystick/sdk';

async function main() {
  const identity = await connect();
  const { binding } = await identity.credential('ledger-api', 'access-token');
  const { authorization, dpop } = await identity.authorize({
    method: 'GET',
    url: 'https://ledger.acme.example/journal',
  });
  console.log(
    JSON.stringify({ id: identity.id, binding, scheme: authorization.split(' ')[0], parts: dpop.split('.').length }),
  );
}

void main();
