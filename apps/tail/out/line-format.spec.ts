import fc from 'fast-check';
import { encodeEvent, EventSource } from '#libs/contracts';
import { describe, expect, it } from 'vitest';
import { anyEvent } from '../../../test/support/event-arbitrary.js';
import { eventsOf, onePlanned, START_MS } from '../../../test/support/traffic.js';
import { columnFormat } from './line-format.js';

const gateway = new EventSource('/gateways/g', 'boot');

function lines(colored: boolean, ...requests: readonly Parameters<typeof onePlanned>[0][]): readonly string[] {
  const format = columnFormat(colored);
  const events = requests.flatMap((request) => eventsOf(onePlanned(request), gateway, 0, START_MS));
  return events.map((event) => format(event, encodeEvent(event)));
}

describe('a line for people', () => {
  it('stands in columns, wide characters included, which grow with what they show', () => {
    const id = 'x'.repeat(36);
    const shown = lines(false, { id, model: '模型' }, { id: 'b', model: 'long-model', tenant: 'blue' }, { id, model: 'm' });
    expect(shown.map((line) => line.replaceAll(id, '<id>').replaceAll(`b${' '.repeat(35)}`, 'b   '))).toEqual([
      '00:00:00.000  received     <id>  模型  -  chat streamed max_tokens=5',
      '00:00:00.000  started      <id>  模型  -  queue=1ms upstream=0',
      '00:00:00.000  received     b     long-model  blue  chat streamed max_tokens=5',
      '00:00:00.000  started      b     long-model  blue  queue=1ms upstream=0',
      '00:00:00.000  received     <id>  m           -     chat streamed max_tokens=5',
      '00:00:00.000  started      <id>  m           -     queue=1ms upstream=0',
    ]);
  });

  it('is painted by how a request ended, where colours are wanted', () => {
    const [received, , completed] = lines(true, { end: 'completed' });
    expect(received).not.toContain('\u001b');
    expect(completed).toContain('  \u001b[32mcompleted  \u001b[39m  ');
  });

  it('is one line without controls, whatever the event holds', () => {
    const format = columnFormat(false);
    fc.assert(
      fc.property(anyEvent, (event) => {
        expect(format(event, encodeEvent(event))).not.toMatch(/\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}/u);
      }),
    );
  });
});
