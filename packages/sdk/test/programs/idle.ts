/** Connects, calls once, and comes to its end without closing anything. */
import { connect } from '@tallystick/sdk';

const identity = await connect();
const { leaseId } = await identity.credential('ledger-api', 'access-token');
const watch = identity.watch('ledger-api', 'access-token')[Symbol.asyncIterator]();
await watch.next();
void watch.next();
console.log(JSON.stringify({ id: identity.id, leaseId }));
