import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Bag } from './bag.js';

it('holds what a Set would hold', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9)), (toggles) => {
      const items = Array.from({ length: 10 }, (_unused, name) => ({ name, place: -1 }));
      const bag = new Bag<(typeof items)[number]>();
      const set = new Set<(typeof items)[number]>();
      for (const index of toggles) {
        const item = items[index]!;
        if (set.delete(item)) bag.remove(item);
        else bag.add(set.add(item) && item);
        expect(bag.size).toBe(set.size);
        expect(new Set(bag.contents())).toEqual(set);
      }
    }),
  );
});
