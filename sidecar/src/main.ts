#!/usr/bin/env node
import { mainOfProcess } from './cli/main.ts';

// libuv's pool writes the record and checks signatures. With its four threads nearly every job has to wake one that
// sleeps, which costs as much as the job; of two, one is usually awake.
process.env.UV_THREADPOOL_SIZE ??= '2';

void mainOfProcess().then((code) => (process.exitCode = code));
