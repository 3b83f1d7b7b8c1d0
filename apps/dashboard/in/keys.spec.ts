import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { commandIn, Keys, type KeyCommand } from './keys.js';

describe('commandIn', () => {
  it.each([
    ['q', 'quit'],
    ['Q', 'quit'],
    ['\u0003', 'quit'],
    ['xq', 'quit'],
    ['\u000c', 'redraw'],
    ['\u001a', 'suspend'],
    ['x', undefined],
    ['', undefined],
    ['\u001b[A', undefined],
    ['\u001b[200~quit\u001b[201~', undefined],
  ])('%j is %s', (typed, expected) => {
    expect(commandIn(typed)).toBe(expected);
  });
});

describe('Keys', () => {
  it('holds the input in raw mode from open to close, and hears nothing after that', () => {
    const modes: boolean[] = [];
    const input = Object.assign(new EventEmitter(), { setRawMode: (raw: boolean) => modes.push(raw), resume: () => {}, pause: () => {} });
    const heard: KeyCommand[] = [];
    const keys = new Keys(input, (command) => heard.push(command));
    keys.open();
    input.emit('data', Buffer.from('q'));
    keys.close();
    input.emit('data', Buffer.from('q'));
    expect(heard).toEqual(['quit']);
    expect(modes).toEqual([true, false]);
  });
});
