/** What a key asks for. */
export type KeyCommand = 'quit' | 'redraw' | 'suspend';

const COMMANDS: Readonly<Record<string, KeyCommand>> = { q: 'quit', Q: 'quit', '\u0003': 'quit', '\u000c': 'redraw', '\u001a': 'suspend' };

/** The first command in what was typed; an escape sequence (an arrow key, a paste) holds none. */
export function commandIn(typed: string): KeyCommand | undefined {
  if (typed.startsWith('\u001b')) return undefined;
  return typed
    .split('')
    .map((key) => COMMANDS[key])
    .find((command) => command !== undefined);
}

/** What reading keys needs of a terminal's input. */
export interface KeyInput {
  setRawMode(raw: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
  on(event: 'data', listener: (typed: Buffer) => void): unknown;
  off(event: 'data', listener: (typed: Buffer) => void): unknown;
}

/** Keys one by one, without a line end, from `open` to `close`. */
export class Keys {
  private readonly listener = (typed: Buffer): void => {
    const command = commandIn(typed.toString('utf8'));
    if (command !== undefined) this.handle(command);
  };

  constructor(
    private readonly input: KeyInput,
    private readonly handle: (command: KeyCommand) => void,
  ) {}

  open(): void {
    this.input.setRawMode(true);
    this.input.on('data', this.listener);
    this.input.resume();
  }

  close(): void {
    this.input.off('data', this.listener);
    this.input.pause();
    this.input.setRawMode(false);
  }
}
