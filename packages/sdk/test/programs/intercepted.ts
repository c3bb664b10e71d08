/** Sends one request through undici with the interceptor, as its only work. */
import { connect } from '@tallystick/sdk';
import { Agent, request } from 'undici';

const identity = await connect();
const dispatcher = new Agent().compose(identity.interceptor());
const { statusCode, body } = await request(process.env.API!, { dispatcher });
await body.dump();
console.log(statusCode);
