import type { TopicDefinition } from '#libs/contracts';
import { counted, listed, timeText } from './amounts.js';
import { fail, ok, warn, type Finding } from './finding.js';

/** A topic that should be there, and what is. */
export interface TopicFacts {
  readonly spec: TopicDefinition;
  /** Undefined where it does not exist. */
  readonly stored: { readonly partitions: number; readonly retentionMs: number | undefined } | undefined;
  /** What keeps everything of ours from starting on it, and how to mend that. */
  readonly fault: string | undefined;
  /** Undefined where there are no brokers. */
  readonly copies?: number;
  readonly inSync?: number;
  readonly leaderless?: number;
}

const CHECK = 'topics';

/** Topics that are missing are fine: the first process makes them. `brokers`: how many the cluster has, 0 for the embedded log. */
export function topicFindings(topics: readonly TopicFacts[], brokers: number): readonly Finding[] {
  const there = topics.filter(({ stored }) => stored !== undefined);
  const missing = topics.filter(({ stored }) => stored === undefined);
  const findings = [...there.flatMap((topic) => faultsOf(topic)), ...shortLivedIn(there), ...singleIn(there, brokers)];
  if (missing.length > 0) findings.push(missingFinding(missing, there.length));
  const sound = there.filter(({ fault }) => fault === undefined);
  if (sound.length > 0) findings.unshift(soundFinding(sound));
  return findings;
}

function soundFinding(sound: readonly TopicFacts[]): Finding {
  const shapes = sound.map(({ spec, stored }) => `${spec.name} ${stored!.partitions}`);
  return ok(CHECK, `partitions: ${shapes.join(', ')}; policies and timestamps as they have to be`);
}

function missingFinding(missing: readonly TopicFacts[], there: number): Finding {
  const names = listed(
    missing.map(({ spec }) => spec.name),
    5,
  );
  if (there === 0) return ok(CHECK, `none yet: ${names} will be made by the first process that starts`);
  return warn(
    CHECK,
    `missing beside others that are there: ${names}`,
    'the next process that starts makes them, and so does npm run topics; if they were deleted, see docs/kafka.md',
  );
}

function faultsOf({ spec, fault, leaderless = 0, copies = 0, inSync = 0 }: TopicFacts): readonly Finding[] {
  if (fault !== undefined) return [fail(CHECK, fault, `alter ${spec.name}, or use another EVENT_LOG_TOPIC_PREFIX`)];
  if (leaderless > 0)
    return [fail(CHECK, `${spec.name}: ${counted(leaderless, 'partition')} without a leader`, 'start the brokers that hold them')];
  if (inSync < copies)
    return [warn(CHECK, `${spec.name}: only ${inSync} of ${copies} copies are up to date`, 'see why a broker is away or slow')];
  return [];
}

/** Records that go sooner than they are made to: an aggregator that is away for longer misses some, and an audit reaches back less far. */
function shortLivedIn(there: readonly TopicFacts[]): readonly Finding[] {
  return there.flatMap(({ spec, stored }) => {
    const [kept, wanted] = [stored?.retentionMs, spec.retentionMs];
    if (kept === undefined || wanted === undefined || kept >= wanted) return [];
    const found = `${spec.name} keeps records for ${timeText(kept)}, ${timeText(wanted)} is usual: verify and rebuild reach back no further`;
    return [warn(CHECK, found, `set retention.ms of ${spec.name} to ${wanted}, unless that is meant`)];
  });
}

/** One copy where there could be several. */
function singleIn(there: readonly TopicFacts[], brokers: number): readonly Finding[] {
  const single = there.filter(({ copies }) => copies === 1).map(({ spec }) => spec.name);
  if (brokers < 2 || single.length === 0) return [];
  const found = `one copy only, on ${counted(brokers, 'broker')}: ${listed(single, 5)}`;
  return [warn(CHECK, found, 'raise their replication factor, and set EVENT_LOG_REPLICATION_FACTOR for topics to come')];
}
