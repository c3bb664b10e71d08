import { createProof, generateHolderKey } from '@tallystick/dpop';
import { post, say } from '../api-call.ts';
import { startDeafHolder } from '../deaf-holder.ts';
import type { Part } from '../part.ts';

export const theft: Part = async ({ stage, checks, wiretap }) => {
  checks.part('6  A thief reads every request on the wire');
  const ledger = wiretap.origin;
  const { token, proof } = wiretap.requests.at(-1)!;
  checks.show('has', `${token.slice(0, 40)}… and ${proof.slice(0, 20)}…`);

  const bare = await post(ledger, { authorization: `Bearer ${token}` });
  checks.holds('the stolen token alone is refused', bare.status === 401, say(bare));

  const thief = await generateHolderKey();
  const own = createProof(thief, {
    method: 'POST',
    url: `${ledger}/journal`,
    iat: Date.now() / 1000,
    accessToken: token,
  });
  const withOwn = await post(ledger, { authorization: `DPoP ${token}`, dpop: own });
  checks.holds(
    "the stolen token with the thief's own proof is refused",
    withOwn.status === 401 && withOwn.error === 'invalid_token',
    say(withOwn),
  );

  const replayed = await post(ledger, { authorization: `DPoP ${token}`, dpop: proof });
  checks.holds(
    'a replayed proof is refused',
    replayed.status === 401 && replayed.error === 'invalid_dpop_proof',
    say(replayed),
  );

  checks.part('7  The service asks for what it is not entitled to');
  const holder = await startDeafHolder(stage.appSocket);
  const { error, code, remedy } = await holder.ask('https://payroll.acme.example');
  checks.show('error', `${String(error)} (${String(code)})`);
  checks.show('remedy', String(remedy));
  checks.holds(
    'it is refused, and told what to do',
    error === 'invalid_target' && String(remedy).includes('entitlements'),
  );
};
