const BOUNDARY = /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i;
const HEAD_END = '\r\n\r\n';
/** Longer values are none of ours to read. */
const MAX_VALUE_BYTES = 1_024;
const MAX_PARTS = 64;

/** The short text fields of a `multipart/form-data` body, files left out; the last one where a name stands twice. Never throws. */
export function readFormFields(body: Buffer, contentType: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  const [, quoted, plain] = BOUNDARY.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) return fields;
  const delimiter = `\r\n--${boundary}`;
  // The first delimiter has no line before it.
  let at = body.indexOf(delimiter.slice(2)) + delimiter.length - 2;
  for (let part = 0; at >= delimiter.length - 2 && part < MAX_PARTS; part += 1) {
    const headEnd = body.indexOf(HEAD_END, at);
    const end = headEnd === -1 ? -1 : body.indexOf(delimiter, headEnd + 2);
    if (end === -1) break;
    const name = fieldName(body.toString('latin1', at, headEnd));
    const start = headEnd + HEAD_END.length;
    if (name !== undefined && end - start <= MAX_VALUE_BYTES) fields.set(name, body.toString('utf8', start, Math.max(start, end)));
    at = end + delimiter.length;
  }
  return fields;
}

/** The name of a part that is a plain field. */
function fieldName(head: string): string | undefined {
  const disposition = /^content-disposition:\s*form-data\s*;(.*)$/im.exec(head)?.[1];
  if (disposition === undefined || /;?\s*filename\*?=/i.test(disposition)) return undefined;
  return /(?:^|;)\s*name="?([^";]*)"?/i.exec(disposition)?.[1];
}
