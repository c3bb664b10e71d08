import { ROUTES } from '@tallystick/protocol';
import type { RevocationAnswer } from '../revocations.ts';
import type { WorkloadRoute } from './route.ts';

/** `GET /revocations`, for an API beside the sidecar, which needs no network to read it. Needs no proof. */
export function revocationsRoute(answer: RevocationAnswer): WorkloadRoute {
  return {
    method: 'GET',
    path: ROUTES.revocations,
    handle: ({ request }) => answer(request.headers['if-none-match']),
  };
}
