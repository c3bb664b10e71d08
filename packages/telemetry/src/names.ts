// Generated from ../registry by "pnpm generate". A test fails when it is stale.

/** The schema that these names follow. */
export const SCHEMA_URL = 'https://tallystick.example/schemas/0.1.0';

/** The SPIFFE ID of the identity that acts. */
export const ATTR_IDENTITY_ID = 'tallystick.identity.id';
/** What kind of machine the identity stands for. */
export const ATTR_IDENTITY_KIND = 'tallystick.identity.kind';
/** The trust domain of the identity. */
export const ATTR_IDENTITY_TRUST_DOMAIN = 'tallystick.identity.trust_domain';
/** The environment that the identity is registered for. */
export const ATTR_IDENTITY_ENVIRONMENT = 'tallystick.identity.environment';
/** Whether the identity may get credentials. */
export const ATTR_IDENTITY_STATE = 'tallystick.identity.state';
/** Who answers for the identity, as an id of the organisation's directory. Never an e-mail address. */
export const ATTR_IDENTITY_OWNER_ID = 'tallystick.identity.owner.id';
/** What the owner's id stands for. */
export const ATTR_IDENTITY_OWNER_KIND = 'tallystick.identity.owner.kind';
/** The business process. */
export const ATTR_BUSINESS_PROCESS_ID = 'tallystick.business_process.id';
/** One run of the business process. */
export const ATTR_BUSINESS_PROCESS_RUN_ID = 'tallystick.business_process.run.id';
/** The ticket or change that the run is done under. */
export const ATTR_BUSINESS_PROCESS_TICKET = 'tallystick.business_process.ticket';
/** The subject of the verified access token. */
export const ATTR_CALLER_ID = 'tallystick.caller.id';
/** The owner of the caller, from the verified access token. */
export const ATTR_CALLER_OWNER_ID = 'tallystick.caller.owner.id';
/** Whether the request was accepted, or the error code by which it was refused. */
export const ATTR_VERIFICATION_VERDICT = 'tallystick.verification.verdict';
/** The "jti" of an access token whose signature was good, whoever showed it. */
export const ATTR_TOKEN_ID = 'tallystick.token.id';
/** The lease, which joins this to the record, the token and whatever the upstream knows. */
export const ATTR_LEASE_ID = 'tallystick.lease.id';
/** What is done. */
export const ATTR_OPERATION_NAME = 'tallystick.operation.name';
/** The provider that makes the credential, by the name of its type. */
export const ATTR_PROVIDER_NAME = 'tallystick.provider.name';
/** The name of the credential in the configuration. */
export const ATTR_CREDENTIAL_NAME = 'tallystick.credential.name';
/** The kind of credential. */
export const ATTR_CREDENTIAL_TYPE = 'tallystick.credential.type';
/** Where the credential came from. */
export const ATTR_CREDENTIAL_SOURCE = 'tallystick.credential.source';
/** How possession is proven where the credential is used. */
export const ATTR_CREDENTIAL_BINDING = 'tallystick.credential.binding';
/** How the credential reached the workload. */
export const ATTR_CREDENTIAL_DELIVERY = 'tallystick.credential.delivery';
/** Seconds from issue to end. */
export const ATTR_CREDENTIAL_LIFETIME = 'tallystick.credential.lifetime';
/** Why a credential is replaced. */
export const ATTR_ROTATION_REASON = 'tallystick.rotation.reason';
/** The attestor that was asked. */
export const ATTR_ATTESTATION_METHOD = 'tallystick.attestation.method';
/** How sure the sidecar is of who is at the other end. */
export const ATTR_ATTESTATION_ASSURANCE = 'tallystick.attestation.assurance';
/** What was decided. A denial is a normal outcome, not an error of the sidecar. */
export const ATTR_POLICY_DECISION = 'tallystick.policy.decision';
/** The id of the record. */
export const ATTR_AUDIT_RECORD_ID = 'tallystick.audit.record.id';
/** The type of the record. */
export const ATTR_AUDIT_RECORD_TYPE = 'tallystick.audit.record.type';
/** The index of the record in its log. */
export const ATTR_AUDIT_LOG_INDEX = 'tallystick.audit.log.index';
/** The origin of the log that holds the record. */
export const ATTR_AUDIT_LOG_ORIGIN = 'tallystick.audit.log.origin';
/** How many records the log has under a head. */
export const ATTR_AUDIT_LOG_SIZE = 'tallystick.audit.log.size';
/** The Merkle root over the log, in base64, as its checkpoint has it. */
export const ATTR_AUDIT_LOG_ROOT = 'tallystick.audit.log.root';
/** The rule that replaced a value. */
export const ATTR_TELEMETRY_REDACTION_RULE = 'tallystick.telemetry.redaction.rule';
// Reused from the semantic conventions of OpenTelemetry.
export const ATTR_ERROR_TYPE = 'error.type';
export const ATTR_HTTP_REQUEST_METHOD = 'http.request.method';
export const ATTR_HTTP_RESPONSE_STATUS_CODE = 'http.response.status_code';
export const ATTR_HTTP_ROUTE = 'http.route';
export const ATTR_NETWORK_TRANSPORT = 'network.transport';
export const ATTR_SERVER_ADDRESS = 'server.address';

/** How long the SDK waited for the sidecar. */
export const METRIC_CLIENT_OPERATION_DURATION = 'tallystick.client.operation.duration';
/** How long the sidecar took to answer a workload. */
export const METRIC_SERVER_REQUEST_DURATION = 'tallystick.server.request.duration';
/** How long it took to make a credential. */
export const METRIC_CREDENTIAL_MINT_DURATION = 'tallystick.credential.mint.duration';
/** Credentials that are leased now. */
export const METRIC_CREDENTIAL_ACTIVE = 'tallystick.credential.active';
/** Credentials that were replaced ahead of their end, or should have been. */
export const METRIC_CREDENTIAL_ROTATIONS = 'tallystick.credential.rotations';
/** Credentials that were handed out. By binding, the share that is still bearer. */
export const METRIC_CREDENTIAL_RELEASES = 'tallystick.credential.releases';
/** How long an attestor took. It is asked once for each connection. */
export const METRIC_ATTESTATION_DURATION = 'tallystick.attestation.duration';
/** Decisions on whether an identity may have a credential. */
export const METRIC_POLICY_DECISIONS = 'tallystick.policy.decisions';
/** Identities that the configuration holds. */
export const METRIC_IDENTITY_COUNT = 'tallystick.identity.count';
/** How long a record took to become durable. */
export const METRIC_AUDIT_APPEND_DURATION = 'tallystick.audit.append.duration';
/** Records that are durable. */
export const METRIC_AUDIT_RECORDS = 'tallystick.audit.records';
/** How long an API took to verify a request. By binding, its count is the share of traffic that is still bearer. */
export const METRIC_VERIFICATION_DURATION = 'tallystick.verification.duration';
/** Values that the scrubber replaced. Anything above zero is a leak that did not happen. */
export const METRIC_TELEMETRY_REDACTIONS = 'tallystick.telemetry.redactions';

/** A workload was recognised. Once for each connection. */
export const EVENT_IDENTITY_ATTESTED = 'tallystick.identity.attested';
/** A workload was not recognised, because no identity matches it or an attestor failed. Once for each connection. */
export const EVENT_IDENTITY_ATTESTATION_FAILED = 'tallystick.identity.attestation_failed';
/** A credential was released. */
export const EVENT_CREDENTIAL_ISSUED = 'tallystick.credential.issued';
/** What an identity may not have was refused. In a flood, only those that are on record one by one. */
export const EVENT_CREDENTIAL_DENIED = 'tallystick.credential.denied';
/** Leases were ended early. The record names them all; the event names one that was ended alone. */
export const EVENT_CREDENTIAL_REVOKED = 'tallystick.credential.revoked';
/** A credential could not be replaced; the held one serves until its end. */
export const EVENT_CREDENTIAL_ROTATION_FAILED = 'tallystick.credential.rotation_failed';
/** The sidecar took a configuration, at its start or later. */
export const EVENT_CONFIGURATION_LOADED = 'tallystick.configuration.loaded';
/** The sidecar refused a broken configuration; the last good one stays. */
export const EVENT_CONFIGURATION_REFUSED = 'tallystick.configuration.refused';
/** A record could not be made durable; nothing is released any more. */
export const EVENT_AUDIT_WRITE_FAILED = 'tallystick.audit.write_failed';
/** A record of a type that has no event of its own, in an export of the log as log events. */
export const EVENT_AUDIT_RECORDED = 'tallystick.audit.recorded';
/** A torn tail of the log that nobody was promised was dropped at a start. */
export const EVENT_AUDIT_RECOVERED = 'tallystick.audit.recovered';
/** A signed head of the log was published. Whoever keeps the event can tell that the log was cut or rewritten. */
export const EVENT_AUDIT_CHECKPOINT_PUBLISHED = 'tallystick.audit.checkpoint.published';

/** Every attribute and the type of its value. The values of an enumeration are those known today. */
export interface AttributeTypes {
  'tallystick.identity.id': string;
  'tallystick.identity.kind': 'workload' | 'service' | 'ai_agent' | 'ci_job' | 'device' | (string & {});
  'tallystick.identity.trust_domain': string;
  'tallystick.identity.environment': string;
  'tallystick.identity.state': 'active' | 'suspended' | 'expired' | (string & {});
  'tallystick.identity.owner.id': string;
  'tallystick.identity.owner.kind': 'team' | 'role' | 'person' | (string & {});
  'tallystick.business_process.id': string;
  'tallystick.business_process.run.id': string;
  'tallystick.business_process.ticket': string;
  'tallystick.caller.id': string;
  'tallystick.caller.owner.id': string;
  'tallystick.verification.verdict': string;
  'tallystick.token.id': string;
  'tallystick.lease.id': string;
  'tallystick.operation.name': 'connect' | 'discover' | 'watch' | 'get_credential' | 'release_lease' | 'revoke' | 'introspect' | (string & {});
  'tallystick.provider.name': string;
  'tallystick.credential.name': string;
  'tallystick.credential.type': 'access-token' | 'aws' | 'gcp' | 'azure' | 'database' | 'secret' | 'x509' | 'ssh' | (string & {});
  'tallystick.credential.source': 'minted' | 'cache' | (string & {});
  'tallystick.credential.binding': 'dpop' | 'mtls' | 'sigv4' | 'none' | (string & {});
  'tallystick.credential.delivery': 'sealed' | 'plain' | (string & {});
  'tallystick.credential.lifetime': number;
  'tallystick.rotation.reason': 'schedule' | 'operator' | (string & {});
  'tallystick.attestation.method': string;
  'tallystick.attestation.assurance': 'socket' | 'process' | 'platform' | (string & {});
  'tallystick.policy.decision': 'allow' | 'deny' | (string & {});
  'tallystick.audit.record.id': string;
  'tallystick.audit.record.type': string;
  'tallystick.audit.log.index': number;
  'tallystick.audit.log.origin': string;
  'tallystick.audit.log.size': number;
  'tallystick.audit.log.root': string;
  'tallystick.telemetry.redaction.rule': 'url' | 'header' | 'shape' | 'length' | (string & {});
  'error.type': string;
  'http.request.method': string;
  'http.response.status_code': number;
  'http.route': string;
  'network.transport': string;
  'server.address': string;
}

/** The attributes that each metric may carry. None of them names an identity, a lease or a log. */
export const METRIC_ATTRIBUTES = {
  'tallystick.client.operation.duration': ['tallystick.operation.name', 'tallystick.credential.type', 'tallystick.credential.source', 'error.type'],
  'tallystick.server.request.duration': ['tallystick.operation.name', 'tallystick.provider.name', 'tallystick.credential.type', 'tallystick.policy.decision', 'error.type'],
  'tallystick.credential.mint.duration': ['tallystick.provider.name', 'tallystick.credential.type', 'error.type'],
  'tallystick.credential.active': ['tallystick.provider.name', 'tallystick.credential.type'],
  'tallystick.credential.rotations': ['tallystick.provider.name', 'tallystick.rotation.reason', 'error.type'],
  'tallystick.credential.releases': ['tallystick.credential.binding', 'tallystick.credential.delivery'],
  'tallystick.attestation.duration': ['tallystick.attestation.method', 'error.type'],
  'tallystick.policy.decisions': ['tallystick.policy.decision', 'tallystick.identity.kind'],
  'tallystick.identity.count': ['tallystick.identity.kind', 'tallystick.identity.state'],
  'tallystick.audit.append.duration': ['error.type'],
  'tallystick.audit.records': ['tallystick.audit.record.type'],
  'tallystick.verification.duration': ['tallystick.credential.binding', 'error.type'],
  'tallystick.telemetry.redactions': ['tallystick.telemetry.redaction.rule'],
} as const;

/** The attributes that each event may carry. */
export const EVENT_ATTRIBUTES = {
  'tallystick.identity.attested': ['tallystick.identity.id', 'tallystick.attestation.assurance'],
  'tallystick.identity.attestation_failed': ['tallystick.attestation.assurance', 'error.type'],
  'tallystick.credential.issued': ['tallystick.identity.id', 'tallystick.lease.id', 'tallystick.credential.name', 'tallystick.credential.type', 'tallystick.credential.source', 'tallystick.credential.lifetime', 'tallystick.provider.name', 'tallystick.audit.record.id'],
  'tallystick.credential.denied': ['tallystick.identity.id', 'tallystick.credential.name', 'error.type', 'tallystick.audit.record.id'],
  'tallystick.credential.revoked': ['tallystick.identity.id', 'tallystick.lease.id', 'tallystick.audit.record.id'],
  'tallystick.credential.rotation_failed': ['tallystick.identity.id', 'tallystick.lease.id', 'tallystick.credential.name', 'tallystick.provider.name', 'error.type'],
  'tallystick.configuration.loaded': ['tallystick.audit.record.id'],
  'tallystick.configuration.refused': ['tallystick.audit.record.id'],
  'tallystick.audit.write_failed': ['error.type'],
  'tallystick.audit.recorded': ['tallystick.identity.id', 'tallystick.lease.id', 'tallystick.audit.record.id', 'tallystick.audit.record.type', 'tallystick.audit.log.index', 'tallystick.audit.log.origin'],
  'tallystick.audit.recovered': ['tallystick.audit.record.id', 'tallystick.audit.log.origin'],
  'tallystick.audit.checkpoint.published': ['tallystick.audit.log.origin', 'tallystick.audit.log.size', 'tallystick.audit.log.root'],
} as const;

/** How each metric is measured. */
export const METRICS = {
  'tallystick.client.operation.duration': { instrument: 'histogram', unit: 's', description: 'How long the SDK waited for the sidecar.', buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30] },
  'tallystick.server.request.duration': { instrument: 'histogram', unit: 's', description: 'How long the sidecar took to answer a workload.', buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5] },
  'tallystick.credential.mint.duration': { instrument: 'histogram', unit: 's', description: 'How long it took to make a credential.', buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 30] },
  'tallystick.credential.active': { instrument: 'updowncounter', unit: '{credential}', description: 'Credentials that are leased now.', buckets: [] },
  'tallystick.credential.rotations': { instrument: 'counter', unit: '{rotation}', description: 'Credentials that were replaced ahead of their end, or should have been.', buckets: [] },
  'tallystick.credential.releases': { instrument: 'counter', unit: '{release}', description: 'Credentials that were handed out. By binding, the share that is still bearer.', buckets: [] },
  'tallystick.attestation.duration': { instrument: 'histogram', unit: 's', description: 'How long an attestor took. It is asked once for each connection.', buckets: [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1] },
  'tallystick.policy.decisions': { instrument: 'counter', unit: '{decision}', description: 'Decisions on whether an identity may have a credential.', buckets: [] },
  'tallystick.identity.count': { instrument: 'updowncounter', unit: '{identity}', description: 'Identities that the configuration holds.', buckets: [] },
  'tallystick.audit.append.duration': { instrument: 'histogram', unit: 's', description: 'How long a record took to become durable.', buckets: [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] },
  'tallystick.audit.records': { instrument: 'counter', unit: '{record}', description: 'Records that are durable.', buckets: [] },
  'tallystick.verification.duration': { instrument: 'histogram', unit: 's', description: 'How long an API took to verify a request. By binding, its count is the share of traffic that is still bearer.', buckets: [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5] },
  'tallystick.telemetry.redactions': { instrument: 'counter', unit: '{redaction}', description: 'Values that the scrubber replaced. Anything above zero is a leak that did not happen.', buckets: [] },
} as const;

/** How severe each event is, by the OpenTelemetry log data model. */
export const EVENTS = {
  'tallystick.identity.attested': { severityText: 'INFO', severityNumber: 9 },
  'tallystick.identity.attestation_failed': { severityText: 'WARN', severityNumber: 13 },
  'tallystick.credential.issued': { severityText: 'INFO', severityNumber: 9 },
  'tallystick.credential.denied': { severityText: 'WARN', severityNumber: 13 },
  'tallystick.credential.revoked': { severityText: 'INFO', severityNumber: 9 },
  'tallystick.credential.rotation_failed': { severityText: 'ERROR', severityNumber: 17 },
  'tallystick.configuration.loaded': { severityText: 'INFO', severityNumber: 9 },
  'tallystick.configuration.refused': { severityText: 'ERROR', severityNumber: 17 },
  'tallystick.audit.write_failed': { severityText: 'FATAL', severityNumber: 21 },
  'tallystick.audit.recorded': { severityText: 'INFO', severityNumber: 9 },
  'tallystick.audit.recovered': { severityText: 'WARN', severityNumber: 13 },
  'tallystick.audit.checkpoint.published': { severityText: 'INFO', severityNumber: 9 },
} as const;
