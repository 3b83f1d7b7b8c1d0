const utf8 = new TextDecoder();

/**
 * A stored event, which is JSON, as one line: the very text, but for what would end the line, which in JSON is only space, and DEL and C1
 * controls, which some terminals obey and which mean the same when they are escaped.
 */
export function jsonLine(value: Uint8Array): string {
  return utf8
    .decode(value)
    .trim()
    .replaceAll(/[\r\n]+/g, ' ')
    .replaceAll(/[\u007f-\u009f]/g, (control) => `\\u00${control.codePointAt(0)!.toString(16)}`);
}
