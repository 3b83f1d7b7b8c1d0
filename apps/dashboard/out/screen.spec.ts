import { describe, expect, it } from 'vitest';
import { cellsOf } from '../core/cells.js';
import { FakeTerminal } from '../core/terminal.fixture.js';
import { TerminalScreen, TextScreen } from './screen.js';

/** A terminal whose size may change, as a stream. */
function terminalOutput(terminal: FakeTerminal) {
  return { columns: terminal.columns, rows: terminal.rows, write: (text: string) => terminal.write(text) };
}

describe('TerminalScreen', () => {
  it('takes the alternate screen and gives everything back, once', () => {
    const terminal = new FakeTerminal(20, 5);
    const screen = new TerminalScreen(terminalOutput(terminal), true);
    const before = new Set(terminal.modes);
    screen.open();
    expect(terminal.modes).toEqual(new Set(['1049']));
    screen.close();
    expect(terminal.modes).toEqual(before);
    terminal.modes.add('1049');
    screen.close();
    expect(terminal.modes).toContain('1049');
  });

  it('shows nothing before it is open and after it is closed', () => {
    const written: string[] = [];
    const screen = new TerminalScreen({ write: (text) => written.push(text) }, true);
    screen.show([cellsOf('a')]);
    expect(written).toEqual([]);
    screen.open();
    screen.close();
    written.length = 0;
    screen.show([cellsOf('a')]);
    expect(written).toEqual([]);
  });

  it('writes only what changed, and everything again after a change of size', () => {
    const terminal = new FakeTerminal(20, 5);
    const output = terminalOutput(terminal);
    const screen = new TerminalScreen(output, true);
    screen.open();
    screen.show([cellsOf('age 1 s')]);
    terminal.written.clear();
    screen.show([cellsOf('age 2 s')]);
    expect([...terminal.written]).toEqual(['0,4']);
    terminal.written.clear();
    output.columns = 19;
    screen.show([cellsOf('age 2 s')]);
    expect(terminal.written.size).toBe(5);
    expect(terminal.line(0)).toBe('age 2 s');
  });

  it('writes everything again when it was closed in between', () => {
    const terminal = new FakeTerminal(20, 5);
    const screen = new TerminalScreen(terminalOutput(terminal), true);
    screen.open();
    screen.show([cellsOf('frame')]);
    screen.close();
    terminal.write('\u001b[1;1Hshell');
    screen.open();
    screen.show([cellsOf('frame')]);
    expect(terminal.line(0)).toBe('frame');
  });

  it('takes a terminal that does not tell its size for one of 80x24', () => {
    expect(new TerminalScreen({ columns: 0, rows: 0, write: () => true }, true).size()).toEqual({ columns: 80, rows: 24 });
  });
});

describe('TextScreen', () => {
  it('writes frame after frame, an empty line between', () => {
    const written: string[] = [];
    const screen = new TextScreen({ write: (text) => written.push(text) }, { colored: false, positioned: false });
    screen.show([cellsOf('a', 'strong')]);
    screen.show([cellsOf('b', 'strong')]);
    expect(written.join('')).toBe('a\n\nb\n');
    expect(screen.size()).toEqual({ columns: 66, rows: Number.POSITIVE_INFINITY });
  });
});
