// A batch job: asks for the credential that it is told of, prints what it got, and ends without closing anything.
import { connect } from '@tallystick/sdk';

const identity = await connect();
const { leaseId } = await identity.credential(process.argv[2]!, 'access-token');
process.stdout.write(`${JSON.stringify({ id: identity.id, leaseId })}\n`);
