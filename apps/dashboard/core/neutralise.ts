/** C0 controls and DEL have pictures of their own; tab and line ends are only space. */
const SPACES = /[\t\n\v\f\r\u0085\u2028\u2029]/gu;
/** C1 controls, and format characters that turn or hide the text around them. */
const HIDDEN = /[\u0080-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu;
// oxlint-disable-next-line no-control-regex -- controls are what this file is about
const CONTROLS = /[\u0000-\u001f\u007f]/gu;

/** Text that a terminal shows and never obeys: escapes become visible (`␛[2J`), characters that hide or turn text become `�`. */
export function neutralise(text: string): string {
  return text.toWellFormed().replaceAll(SPACES, ' ').replaceAll(HIDDEN, '\ufffd').replaceAll(CONTROLS, pictureOf);
}

function pictureOf(control: string): string {
  const code = control.codePointAt(0)!;
  return String.fromCodePoint(code === 0x7f ? 0x2421 : 0x2400 + code);
}
