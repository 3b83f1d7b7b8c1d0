import { EventLogError, EventLogOpenError } from '../event-log.js';

/** The error codes of the Kafka protocol that are met here. */
export const CODE = {
  none: 0,
  offsetOutOfRange: 1,
  unknownTopic: 3,
  messageTooLarge: 10,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  invalidTopic: 17,
  recordListTooLarge: 18,
  illegalGeneration: 22,
  unknownMember: 25,
  rebalanceInProgress: 27,
  topicForbidden: 29,
  groupForbidden: 30,
  clusterForbidden: 31,
  topicExists: 36,
  invalidPartitions: 37,
  invalidReplicationFactor: 38,
  invalidReplicaAssignment: 39,
  invalidConfig: 40,
  invalidRequest: 42,
  policyViolation: 44,
  memberIdRequired: 79,
  invalidRecord: 87,
} as const;

/** What a broker refused, and may not refuse the next time. */
export class BrokerError extends Error {
  constructor(
    readonly code: number,
    what: string,
  ) {
    super(`${what}: the broker answers with error ${code}`);
    this.name = 'BrokerError';
  }
}

const FORBIDDEN: readonly number[] = [CODE.topicForbidden, CODE.groupForbidden, CODE.clusterForbidden];
const UNFIT: readonly number[] = [
  CODE.invalidTopic,
  CODE.invalidPartitions,
  CODE.invalidReplicationFactor,
  CODE.invalidReplicaAssignment,
  CODE.invalidConfig,
  CODE.invalidRequest,
  CODE.policyViolation,
];
const TOO_LARGE: readonly number[] = [CODE.messageTooLarge, CODE.recordListTooLarge, CODE.invalidRecord];

/** The error that callers of the log see for a code other than `none`; `what` says what was tried. */
export function errorOfCode(code: number, what: string, message?: string | null): Error {
  if (FORBIDDEN.includes(code)) return new EventLogOpenError(`${what}: the brokers do not allow it; give this user the right to`);
  if (UNFIT.includes(code)) return new EventLogOpenError(`${what}: the brokers refuse it${message ? ` (${message})` : ` (error ${code})`}`);
  if (TOO_LARGE.includes(code)) return new EventLogError(`${what}: the brokers refuse a record (error ${code})`);
  return new BrokerError(code, what);
}

export function isTransient(error: unknown): boolean {
  return !(error instanceof EventLogError);
}
