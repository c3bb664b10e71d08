import type { Clock } from '@tallystick/core';
import type { AwsKeys } from '../../config/aws-credentials.ts';
import type { UpstreamAnswer, UpstreamHttp } from '../upstream-http.ts';
import { awsRefusalOf } from './aws-refusal.ts';
import { endpointOf, type AwsEndpoints, type AwsService } from './endpoints.ts';
import { signRequest } from './signed-request.ts';

/** One call to a service. */
export interface AwsCall {
  readonly service: AwsService;
  /** For messages: "AssumeRole". */
  readonly action: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What it is signed with; undefined: not at all. */
  readonly keys: AwsKeys | undefined;
  readonly signal: AbortSignal;
}

/** The inputs of {@link createAwsHttp}. */
export interface AwsHttpOptions {
  readonly name: string;
  readonly region: string;
  readonly endpoints: AwsEndpoints;
  readonly http: UpstreamHttp;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** Asks services of AWS in one region. */
export interface AwsHttp {
  /** @throws {TallystickError} `upstream_*`: what the answer says, where it is no success. */
  call(call: AwsCall): Promise<UpstreamAnswer>;
}

export function createAwsHttp({ name, region, endpoints, http, clock }: AwsHttpOptions): AwsHttp {
  return {
    async call({ service, action, headers, body, keys, signal }) {
      const url = `${endpointOf(service, region, endpoints)}/`;
      const signed = keys
        ? await signRequest({ service, region, url, headers, body }, keys, clock.nowMs())
        : { ...headers };
      const answer = await http.send({ method: 'POST', url, headers: signed, body, signal });
      if (answer.status !== 200) throw awsRefusalOf(name, action, answer, clock.nowMs());
      return answer;
    },
  };
}
