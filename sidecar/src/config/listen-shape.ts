import { ABSOLUTE_PATH, SOCKET_MODE, SOCKET_PATH, SOCKET_URL } from './file-path.ts';
import { HOST, LISTENER_URL } from './listener-url.ts';
import { defaulted, object, optional, required } from './object-shape.ts';
import { either, list, text, type TypeOf } from './shape.ts';
import { NAME } from './texts.ts';

const WORKLOAD_SOCKET = object({
  name: required(text(NAME), 'Becomes the selector tallystick:socket:<name>.', 'app'),
  path: required(
    text(SOCKET_PATH),
    'Absolute path. Its folder is what is mounted into the workload, and nothing else lies in it.',
    '/run/tallystick/app/api.sock',
  ),
  mode: defaulted(
    text(SOCKET_MODE),
    '0666',
    'Mode of the socket file. Who gets what is decided by attestation; the mode only narrows who may connect.',
  ),
});

const LISTENER = object({
  url: required(text(LISTENER_URL), 'Scheme, literal address and port.', 'https://0.0.0.0:8480'),
  certificate: optional(text(ABSOLUTE_PATH), 'PEM file of the certificate and its chain. Needed with https.'),
  key: optional(text(ABSOLUTE_PATH), 'PEM file of the private key of the certificate. Needed with https.'),
  hosts: optional(
    list(text(HOST), { min: 1, distinct: true }),
    'Values of Host that are answered. One without a port holds for every port. Default: the loopback names.',
  ),
});

/** The `listen` mapping. */
export const LISTEN = object({
  workload: required(
    either(text(SOCKET_URL), list(WORKLOAD_SOCKET, { min: 1 })),
    'Sockets that workloads connect to; one unix:// URL is a socket named "default".',
    'unix:///run/tallystick/api.sock',
  ),
  admin: required(
    text(SOCKET_PATH),
    'Absolute path of the admin socket, in a folder that is never mounted into a workload.',
    '/run/tallystick-admin/admin.sock',
  ),
  public: optional(
    either(text(LISTENER_URL), LISTENER),
    'Read-only listener: metadata, keys and revocations for APIs, heads and hashes of the log for monitors. Plain http on loopback alone.',
  ),
  health: optional(either(text(LISTENER_URL), LISTENER), 'Listener for /startupz, /readyz, /livez and /metrics.'),
});

export type ListenerValue = string | TypeOf<typeof LISTENER>;
