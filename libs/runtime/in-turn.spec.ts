import { expect, it } from 'vitest';
import { inTurn } from './in-turn.js';

it('runs every step in turn, though some fail, and throws the first failure', async () => {
  const ran: string[] = [];
  const step = (name: string, failure?: Error) => async () => {
    await Promise.resolve();
    ran.push(name);
    if (failure) throw failure;
  };
  await expect(inTurn([step('a'), step('b', new Error('first')), step('c', new Error('second')), step('d')])).rejects.toThrow('first');
  expect(ran).toEqual(['a', 'b', 'c', 'd']);
  await expect(inTurn([step('e')])).resolves.toBeUndefined();
});
