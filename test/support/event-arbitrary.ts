import * as fc from 'fast-check';
import { EVENT_TYPES, schemaOf, type EventType, type InferometerEvent } from '#libs/contracts';

/** As much of JSON Schema as our events use. */
interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean';
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

/** Every event of the type that its schema allows, with any of the optional fields, but for texts longer than 40 characters. */
export function eventArbitrary(type: EventType): fc.Arbitrary<InferometerEvent> {
  return arbitraryOf(schemaOf(type)) as fc.Arbitrary<InferometerEvent>;
}

/** Every event of every type. */
export const anyEvent: fc.Arbitrary<InferometerEvent> = fc.oneof(...EVENT_TYPES.map(eventArbitrary));

function arbitraryOf(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'object':
      return objectArbitrary(schema);
    case 'array':
      return fc.array(arbitraryOf(schema.items ?? {}), { maxLength: schema.maxItems ?? 10 });
    case 'string':
      return textArbitrary(schema);
    case 'integer':
      return fc.integer(boundsOf(schema, -1e9, 1e9));
    case 'number':
      // JSON has no −0.
      return fc.double({ ...boundsOf(schema, -Number.MAX_VALUE, Number.MAX_VALUE), noNaN: true }).map((value) => value + 0);
    case 'boolean':
      return fc.boolean();
    default:
      throw new Error(`no arbitrary for ${JSON.stringify(schema)}`);
  }
}

function objectArbitrary({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, arbitraryOf(schema)]));
  return fc.record(fields, { requiredKeys: [...required], noNullPrototype: true });
}

function textArbitrary({ pattern, minLength = 0, maxLength = 40 }: Schema): fc.Arbitrary<string> {
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  return fc.string({ unit: 'binary', minLength, maxLength: Math.min(maxLength, 40) });
}

function boundsOf({ minimum, maximum }: Schema, min: number, max: number): { min: number; max: number } {
  return { min: minimum ?? min, max: maximum ?? max };
}
