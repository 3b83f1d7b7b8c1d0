import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFormFields } from './form-fields.js';

function formOf(parts: readonly (readonly [head: string, value: string | Buffer])[], boundary = 'b'): Buffer {
  const bytes = parts.flatMap(([head, value]) => [
    Buffer.from(`--${boundary}\r\n${head}\r\n\r\n`),
    Buffer.from(value),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...bytes, Buffer.from(`--${boundary}--\r\n`)]);
}

const field = (name: string) => `Content-Disposition: form-data; name="${name}"`;
const read = (body: Buffer, type = 'multipart/form-data; boundary=b') => Object.fromEntries(readFormFields(body, type));

describe('readFormFields', () => {
  it('reads fields and leaves files out', () => {
    const file = 'Content-Disposition: form-data; name="model"; filename="model.wav"\r\nContent-Type: audio/wav';
    const body = formOf([
      [file, Buffer.from([0, 13, 10, 13, 10, 255])],
      [field('model'), 'whisper-1'],
      [`${field('stream')}\r\nContent-Type: text/plain`, 'true'],
      [field('empty'), ''],
    ]);
    expect(read(body)).toEqual({ model: 'whisper-1', stream: 'true', empty: '' });
    expect(read(body, 'Multipart/Form-Data; charset=x; Boundary="b"')).toMatchObject({ model: 'whisper-1' });
  });

  it('reads no long value, and not what only looks like a field within a file', () => {
    const inner = formOf([[field('model'), 'evil']], 'inner');
    expect(
      read(
        formOf([
          [`${field('f')}; filename="x"`, inner],
          [field('long'), 'x'.repeat(2_000)],
          [field('n'), '1'],
        ]),
      ),
    ).toEqual({ n: '1' });
  });

  it('makes nothing of what is no form, and never throws', () => {
    const types = ['', 'application/json', 'multipart/form-data', 'multipart/form-data; boundary='];
    for (const type of types) expect(read(formOf([[field('a'), '1']]), type)).toEqual({});
    const pieces = fc.constantFrom('--b', '\r\n', '--', '\r\n\r\n', field('a'), 'x', 'Content-Disposition: form-data');
    fc.assert(
      fc.property(fc.array(pieces), (list) => {
        expect(read(Buffer.from(list.join('')))).toBeTypeOf('object');
      }),
    );
  });
});
