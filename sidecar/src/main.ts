#!/usr/bin/env node
import { mainOfProcess } from './cli/main.ts';

void mainOfProcess().then((code) => (process.exitCode = code));
