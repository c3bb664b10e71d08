import { ROUTES } from '@tallystick/protocol';
import { createRevocationAnswer } from '../revocations.ts';
import type { WorkloadRoute } from './route.ts';

/** `GET /revocations`, for an API beside the sidecar, which needs no network to read it. Needs no proof. */
export function revocationsRoute(parts: Parameters<typeof createRevocationAnswer>[0]): WorkloadRoute {
  const answer = createRevocationAnswer(parts);
  return {
    method: 'GET',
    path: ROUTES.revocations,
    handle: ({ request }) => answer(request.headers['if-none-match']),
  };
}
