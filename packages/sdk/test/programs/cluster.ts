/** Starts eight processes; each asks for one credential a hundred times at once. */
import cluster from 'node:cluster';
import { connect } from '@tallystick/sdk';

if (cluster.isPrimary) {
  const all: string[][] = [];
  for (let i = 0; i < 8; i++) cluster.fork().once('message', (leases: string[]) => all.push(leases));
  cluster.on('exit', (_, code) => {
    if (code !== 0) process.exitCode = 1;
    if (all.length === 8 && Object.keys(cluster.workers!).length === 0) console.log(JSON.stringify(all));
  });
} else {
  const identity = await connect();
  const calls = Array.from({ length: 100 }, () => identity.credential('ledger-api', 'access-token'));
  process.send!((await Promise.all(calls)).map(({ leaseId }) => leaseId));
  process.disconnect();
}
