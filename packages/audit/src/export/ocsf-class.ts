/** Which OCSF class an event is of, and which of its activities. */
export interface OcsfActivity {
  readonly classUid: 3002 | 3007 | 6003;
  readonly activityId: number;
  /** The caption of the activity; of 99 (Other) our own. */
  readonly activityName: string;
}

const api = (activityId: 1 | 2 | 3 | 4): OcsfActivity => ({
  classUid: 6003,
  activityId,
  activityName: (['Create', 'Read', 'Update', 'Delete'] as const)[activityId - 1]!,
});
const user = (activityId: 1 | 2 | 3 | 4 | 5): OcsfActivity => ({
  classUid: 3007,
  activityId,
  activityName: (['Create', 'Update', 'Delete', 'Enable', 'Disable'] as const)[activityId - 1]!,
});
const other = (classUid: OcsfActivity['classUid'], activityName: string): OcsfActivity => ({
  classUid,
  activityId: 99,
  activityName,
});

/** OCSF has no class for the issue of a credential: these are calls of our API. What is not here is `Other` of 6003. */
const ACTIVITIES: Readonly<Record<string, OcsfActivity>> = {
  'attest.summary': { classUid: 3002, activityId: 1, activityName: 'Logon' },
  'identity.registered': user(1),
  'identity.updated': user(2),
  'identity.owner_changed': user(2),
  'identity.retired': user(3),
  'identity.resumed': user(4),
  'identity.suspended': user(5),
  'identity.listed': other(3007, 'List'),
  'credential.intent': api(1),
  'credential.outcome': api(1),
  'credential.released': api(2),
  'credential.denied': api(2),
  'denied.suppressed': api(2),
  'refused.summary': api(2),
  'credential.undelivered': api(2),
  'credential.renewed': api(3),
  'credential.rotated': api(3),
  'credential.rotate_asked': api(3),
  'credential.revoked': api(4),
  'log.read': api(2),
  'log.exported': api(2),
  'config.loaded': api(3),
  'config.refused': api(3),
  'issuer.key_rotated': api(3),
};

/** Returns the class and activity of a record type, of later releases too. */
export function ocsfActivity(type: string): OcsfActivity {
  return Object.hasOwn(ACTIVITIES, type) ? ACTIVITIES[type]! : other(6003, type);
}
