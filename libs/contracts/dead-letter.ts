import { Type, type Static } from 'typebox';
import { DECODE_REASONS } from './codec.js';

const MAX_SAFE = Number.MAX_SAFE_INTEGER;

/** A record that could not be decoded: where it stood, why, and how it began. Not an event: nobody numbers it. */
export const DEAD_LETTER_SCHEMA = Type.Object(
  {
    topic: Type.String({ minLength: 1 }),
    partition: Type.Integer({ minimum: 0, maximum: MAX_SAFE }),
    /** Of the record, in decimal: it may be greater than what a JSON number holds. */
    offset: Type.String({ pattern: String.raw`^\d+$` }),
    reason: Type.Enum([...DECODE_REASONS]),
    /** Names the place, never the value that stood there. */
    detail: Type.String(),
    size_bytes: Type.Integer({ minimum: 0, maximum: MAX_SAFE }),
    /** At most its first 1,024 bytes. */
    record_base64: Type.String({ maxLength: 1368 }),
  },
  { title: 'Dead letter', additionalProperties: true },
);
export type DeadLetter = Static<typeof DEAD_LETTER_SCHEMA>;
