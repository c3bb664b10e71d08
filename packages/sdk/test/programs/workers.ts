/** Starts workers; each connects twice and asks for one credential many times at once. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { connect } from '@tallystick/sdk';

const leases = async (): Promise<string[]> => {
  const [first, second] = await Promise.all([connect(), connect()]);
  const calls = Array.from({ length: 50 }, (_, i) => (i % 2 ? first : second).credential('ledger-api', 'access-token'));
  return (await Promise.all(calls)).map(({ leaseId }) => leaseId);
};

if (isMainThread) {
  const workers = Array.from({ length: 4 }, () => new Worker(new URL(import.meta.url), { workerData: 'worker' }));
  const answers = workers.map((worker) => new Promise<string[]>((resolve) => worker.once('message', resolve)));
  console.log(JSON.stringify([...(await Promise.all(answers)), await leases()]));
} else {
  parentPort!.postMessage(workerData === 'worker' ? await leases() : []);
}
