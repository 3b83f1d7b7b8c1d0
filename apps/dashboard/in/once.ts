import { afterAnswer, NOT_CONNECTED } from '../core/connection.js';
import { layout, type View } from '../core/layout.js';
import { describeProblem } from '../core/messages.js';
import { neutralise } from '../core/neutralise.js';
import type { MetricsClient } from '../out/metrics-client.js';
import type { Output, Screen } from '../out/screen.js';

export interface OnceOptions {
  readonly view: Omit<View, 'connection'>;
  readonly json: boolean;
}

/** Shows one frame, or writes the document as it came. Returns the exit code: 1, with a line on `errors`, where there is no data. */
export async function runOnce(options: OnceOptions, client: MetricsClient, screen: Screen, output: Output, errors: Output): Promise<0 | 1> {
  const answer = await client.fetch(new AbortController().signal);
  const { url, words, hasToken } = options.view;
  if (!answer.ok) {
    errors.write(neutralise(`dashboard: ${url}: ${describeProblem(words, answer.problem, hasToken)}`) + '\n');
    return 1;
  }
  if (options.json) output.write(`${escaped(answer.text.trim())}\n`);
  else screen.show(layout({ ...options.view, connection: afterAnswer(NOT_CONNECTED, answer, 0) }, 0, screen.size()));
  return 0;
}

/** JSON may hold DEL and C1 controls as they are, which some terminals obey; escaped they mean the same. */
function escaped(json: string): string {
  return json.replaceAll(/[\u007f-\u009f]/g, (control) => String.raw`\u00` + control.codePointAt(0)!.toString(16));
}
