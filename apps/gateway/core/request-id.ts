/** What may stand in an event and in a header without further thought. */
const ALLOWED = /^[A-Za-z0-9._~:/+=@-]{1,128}$/;
const MAX_LENGTH = 128;

/** The client's own `x-request-id`, if it is fit to be kept. */
export function clientRequestId(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' && ALLOWED.test(header) ? header : undefined;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The client's `traceparent`, if it is one by W3C Trace Context. */
export function clientTraceparent(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' && TRACEPARENT.test(header) ? header : undefined;
}

/** The ids of the requests that are open here. In events each is unique, whatever the clients call theirs. */
export class OpenRequestIds {
  private readonly open = new Set<string>();
  private repeats = 0;

  /** `id` itself, or with a suffix where another open request has it already. */
  claim(id: string): string {
    let unique = id;
    while (this.open.has(unique)) {
      this.repeats += 1;
      const suffix = `~${this.repeats}`;
      unique = id.slice(0, MAX_LENGTH - suffix.length) + suffix;
    }
    this.open.add(unique);
    return unique;
  }

  release(unique: string): void {
    this.open.delete(unique);
  }
}
