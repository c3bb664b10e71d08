import type { Clock, Timers } from '@tallystick/core';
import { formatEvent, HEADERS, HEARTBEAT, HEARTBEAT_MS, ROUTES } from '@tallystick/protocol';
import { identityState } from '../../authorize/identity-state.ts';
import type { EventHub } from '../../events/hub.ts';
import type { LeaseTable } from '../../lease/lease-table.ts';
import { holdOpen } from '../../listen/exchanges.ts';
import type { Admission } from '../../release/admit.ts';
import type { ProofGate } from '../../release/proof-gate.ts';
import type { Standing } from '../../state/standing.ts';
import { admitProven } from './proven.ts';
import type { WorkloadRoute } from './route.ts';

/** What the event route is made of. */
export interface EventsRouteParts {
  readonly admission: Admission;
  readonly issuer: string;
  readonly hub: EventHub;
  readonly table: LeaseTable;
  readonly standing: Standing;
  readonly proofs: ProofGate;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly timers: Timers;
}

/** A stream whose reader is this far behind is ended: it reconnects, and gets a whole snapshot. */
const MAX_BEHIND_BYTES = 262_144;

/** `GET /v1/events`: server-sent events (WHATWG HTML §9.2) about what is taken from this identity and key. */
export function eventsRoute(parts: EventsRouteParts): WorkloadRoute {
  const { hub, table, standing, clock, timers } = parts;
  return {
    method: 'GET',
    path: ROUTES.events,
    async handle(exchange) {
      const { identity, proof } = await admitProven(parts.admission, parts.issuer, exchange);
      const { response } = exchange;
      // Gone while its proof was judged: its end would never be heard.
      if (response.destroyed) return undefined;
      holdOpen(response);
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        [HEADERS.nonce]: parts.proofs.nonce(),
      });
      const write = (text: string): void => {
        if (response.destroyed || response.writableEnded) return;
        response.write(text);
        if (response.writableLength > MAX_BEHIND_BYTES) response.destroy();
      };
      const leave = hub.subscribe(
        {
          identity: identity.id,
          jkt: proof.jkt,
          send: (event) => write(formatEvent(event)),
          end: () => response.end(),
          recheck: () => void parts.admission.readmit(exchange.peer, identity.id).catch(() => response.end()),
        },
        {
          state: identityState(identity, standing.isSuspended(identity.id), clock.nowMs()),
          leases: table.ofHolder(identity.id, proof.jkt).map(({ id }) => id),
        },
      );
      let beat = timers.after(HEARTBEAT_MS, function again() {
        write(HEARTBEAT);
        beat = timers.after(HEARTBEAT_MS, again);
      });
      response.once('close', () => {
        beat.cancel();
        leave();
      });
      return undefined;
    },
  };
}
