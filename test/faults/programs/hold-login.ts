// A service that gets a login of a database, says whose lease that is, and holds it until it is ended.
import { connect } from '@tallystick/sdk';

const identity = await connect({ socket: process.argv[2]! });
const { leaseId } = await identity.credential('ledger-db', 'database');
console.log(JSON.stringify({ leaseId }));
setInterval(() => {}, 60_000);
