import { afterEach, beforeEach, describe } from 'vitest';
import { appendContract } from './append.contract.js';
import { consumeContract } from './consume.contract.js';
import { followContract } from './follow.contract.js';
import { groupContract } from './group.contract.js';
import { retentionContract } from './retention.contract.js';
import type { Subject } from './support.contract.js';

/** What every adapter must hold to. `makeLog` opens a log for one test. */
export function eventLogContract(name: string, makeLog: () => Promise<Subject>): void {
  describe(`event log contract: ${name}`, () => {
    let subject: Subject;
    beforeEach(async () => {
      subject = await makeLog();
    });
    afterEach(() => subject.dispose());
    const current = () => subject;

    appendContract(current);
    followContract(current);
    consumeContract(current);
    groupContract(current);
    retentionContract(current);
  });
}
