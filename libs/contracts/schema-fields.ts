/** As much of JSON Schema as our events use. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
}

/** What a schema says of each field, in words that differ wherever the schemas do: `optional, type integer, minimum 0`. */
export type SchemaFields = Readonly<Record<string, string>>;

/** Every field of a schema by its path (`data.engine.queue_ms`, `data.gaps[]`; the whole is ``), so that two versions of it can be compared. */
export function fieldsOf(schema: JsonSchema): SchemaFields {
  return Object.fromEntries(walk(schema, '', true));
}

function* walk(
  { properties = {}, required = [], items, ...rest }: JsonSchema,
  path: string,
  isRequired: boolean,
): Generator<[string, string]> {
  yield [path, [...(isRequired ? [] : ['optional']), ...Object.entries(rest).map(wordsOf)].join(', ')];
  for (const [name, inner] of Object.entries(properties))
    yield* walk(inner, path === '' ? name : `${path}.${name}`, required.includes(name));
  if (items) yield* walk(items, `${path}[]`, true);
}

function wordsOf([keyword, value]: readonly [string, unknown]): string {
  return `${keyword} ${Array.isArray(value) ? value.join(' | ') : String(value)}`;
}
