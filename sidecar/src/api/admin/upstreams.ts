import { TallystickError } from '@tallystick/core';
import { isOwnToken, type Registry } from '../../authorize/registry.ts';
import type { CredentialConfig } from '../../config/config.ts';
import type { CheckFinding } from '../../providers/provider.ts';
import type { Upstreams } from '../../providers/upstreams.ts';
import type { AdminRoute } from './route.ts';

/** What the upstream routes are made of. */
export interface AdminUpstreamsParts {
  readonly registry: () => Registry;
  readonly upstreams: Upstreams;
}

/** All of one check; the command that asks waits for ten seconds. */
const CHECK_MS = 8000;

/** `check --online`: asks each upstream what is missing there, and mints nothing. */
export function adminUpstreamRoutes({ registry, upstreams }: AdminUpstreamsParts): readonly AdminRoute[] {
  return [
    {
      method: 'GET',
      path: '/v1/upstreams/check',
      async handle() {
        const { credentials, digest } = registry();
        const asked = [...credentials.values()].filter((credential) => !isOwnToken(credential));
        const checked = await Promise.all(
          asked.map(async (credential) => ({
            credential: credential.name,
            provider: credential.provider,
            findings: await findingsOf(credential, upstreams),
          })),
        );
        return { registry: digest.root, checked };
      },
    },
  ];
}

async function findingsOf(
  { provider, wanted }: CredentialConfig,
  upstreams: Upstreams,
): Promise<readonly CheckFinding[]> {
  try {
    const opened = await upstreams.get(provider);
    return await upstreams.within((signal) =>
      opened.check(wanted, AbortSignal.any([signal, AbortSignal.timeout(CHECK_MS)])),
    );
  } catch (error) {
    const { description, remedy } = TallystickError.is(error)
      ? error
      : new TallystickError('upstream_unavailable', `"${provider}" was not asked to the end`);
    return [{ ok: false, what: 'upstream', message: description, remedy }];
  }
}
