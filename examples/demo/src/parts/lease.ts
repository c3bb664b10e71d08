import { decodeJwt } from 'jose';
import { PROCESS, RUN } from '../config.ts';
import { loggedReleases } from '../logged-releases.ts';
import type { Part } from '../part.ts';

export const lease: Part = async ({ stage, checks, collector, wiretap }) => {
  checks.part('9  A run, its tokens, their spans and records are found from each other');
  const ofRun = await loggedReleases(stage, '--process', PROCESS, '--run', RUN);
  const id = ofRun.at(-1)?.lease ?? 'none';
  const [record] = await loggedReleases(stage, '--lease', id);
  const token = wiretap.requests.map((request) => decodeJwt(request.token)).find(({ jti }) => jti === id);
  const released = () =>
    collector.spans.find(({ name, attributes }) => name === 'POST /token' && attributes['tallystick.lease.id'] === id);
  await collector.wait(() => released() !== undefined, 5000);
  const span = released();
  const says = (name: string): string | undefined => span?.attributes[`tallystick.${name}`];

  checks.show('run', `${PROCESS} ${RUN}`);
  checks.show('lease', id);
  checks.show('token', `for the key ${(token?.cnf as { jkt: string } | undefined)?.jkt}`);
  checks.show('span', `${span?.traceId} ${span?.spanId}`);
  checks.show('record', `${record?.origin} ${record?.seq} ${record?.id}`);
  checks.holds('the run leads to its leases', record?.process?.claimed?.run === RUN, `${ofRun.length} releases`);
  checks.holds(
    'the token leads to its record, by the lease id and the key',
    record !== undefined && token?.jti === record.lease && (token.cnf as { jkt: string }).jkt === record.body.jkt,
  );
  checks.holds(
    'the span leads to its record, by the lease id and the place in the log',
    record !== undefined &&
      says('audit.record.id') === record.id &&
      says('audit.log.origin') === record.origin &&
      says('audit.log.index') === String(record.seq),
  );
  checks.holds(
    'the record leads back: to the trace, the token and the run',
    span !== undefined &&
      record?.trace?.trace_id === span.traceId &&
      record.trace.span_id === span.parentId &&
      record.body.handles.jti === token?.jti &&
      record.process?.claimed?.run === says('business_process.run.id'),
  );
};
