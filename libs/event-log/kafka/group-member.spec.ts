import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Notebook } from '../contract/support.contract.js';
import { Turns } from '../turns.js';
import type { Cluster } from './cluster.js';
import { JOIN_GROUP, SYNC_GROUP } from './group-apis.js';
import { GroupMember } from './group-member.js';

/** A topic of one partition, without records, and a group of one member. */
class OneBroker {
  readonly layout = { name: 't', id: 'first', leaders: [1] };
  asked: string[] = [];
  /** Another broker, which leads the partition and does not answer. */
  isLeaderHung = false;

  async topic() {
    return this.layout;
  }

  known() {
    return this.layout;
  }

  forget() {}

  closeLane() {}

  async coordinator() {
    return { id: 2, host: 'h', port: 1 };
  }

  async offsets(_topic: string, partitions: readonly number[]) {
    if (this.isLeaderHung) await new Promise(() => {});
    return new Map(partitions.map((partition) => [partition, 0n]));
  }

  /** A fetch. */
  async requestNode() {
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (this.isLeaderHung) await new Promise(() => {});
    return { code: 0, partitions: [] };
  }

  async requestAt(
    _at: object,
    _lane: string,
    { name }: { name: string },
    request: { metadata: Buffer; assignments: { assignment: Buffer }[] },
  ) {
    this.asked.push(name);
    const members = [{ memberId: 'm', metadata: request.metadata }];
    if (name === JOIN_GROUP.name) return { code: 0, generation: 1, leader: 'm', memberId: 'm', members };
    if (name === SYNC_GROUP.name) return { code: 0, assignment: request.assignments[0]!.assignment };
    return { code: 0, codes: [] };
  }
}

const join = (broker: OneBroker, handler: Notebook): Promise<GroupMember> =>
  GroupMember.join({
    cluster: broker as unknown as Cluster,
    topic: 't',
    group: 'g',
    handler,
    turns: new Turns(),
    fetchLane: 'fetch-1',
    lanes: { join: 'group-1', beat: 'beat-1' },
    onEnd: () => {},
  });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('is heard of by its group while another broker does not answer, and keeps its partitions', async () => {
  const broker = new OneBroker();
  const handler = new Notebook();
  const member = await join(broker, handler);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(handler.calls).toEqual(['assigned 0']);
  broker.isLeaderHung = true;
  broker.asked = [];
  await vi.advanceTimersByTimeAsync(20_000);
  expect(handler.calls).toEqual(['assigned 0']);
  expect(broker.asked.filter((name) => name === 'Heartbeat').length).toBeGreaterThan(15);
  void member.close();
});

it('does not say how far it is before it is where the handler wants it', async () => {
  const broker = new OneBroker();
  const handler = new Notebook(() => {
    broker.isLeaderHung = true;
    return 0n;
  });
  const member = await join(broker, handler);
  await vi.advanceTimersByTimeAsync(100);
  expect(handler.calls).toEqual(['assigned 0']);
  expect(await member.positions()).toEqual([]);
  void member.close();
});
