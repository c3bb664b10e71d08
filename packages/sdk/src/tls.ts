export { materialOf, type CertificateSource, type TlsMaterial } from './tls/follow-certificate.ts';
export { rotateServer, type TlsServer } from './tls/rotate-server.ts';
export { rotatingDispatcher, type Dispatcher, type RotatingDispatcher } from './tls/rotating-dispatcher.ts';
