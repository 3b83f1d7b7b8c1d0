import { prometheusName, PROCESS_INSTRUMENTS, type Instrument, type Instruments } from '#libs/process-metrics';

/** The samples of a text that no declaration of the process or of `tables` covers: another name, or other labels. */
export function undeclaredIn(text: string, tables: readonly Instruments[]): string[] {
  const declared = new Map<string, string>();
  for (const table of [PROCESS_INSTRUMENTS, ...tables]) {
    for (const instrument of Object.values<Instrument>(table)) declared.set(prometheusName(instrument), labelsOf(instrument));
  }
  return text.split('\n').filter((line) => {
    const [, name = '', labels = ''] = /^([a-z0-9_]+)(?:\{(.*)\})? \S+$/i.exec(line) ?? [];
    const shown = [...labels.matchAll(/(?:^|,)(\w+)="/g)].map(([, label = '']) => label).toSorted((a, b) => a.localeCompare(b));
    return line !== '' && !line.startsWith('#') && declared.get(name) !== shown.join(',');
  });
}

/** The declared instruments of which a text shows no sample. */
export function missingIn(text: string, tables: readonly Instruments[]): string[] {
  const names = [PROCESS_INSTRUMENTS, ...tables].flatMap((table) => Object.values<Instrument>(table).map(prometheusName));
  return names.filter((name) => !new RegExp(`^${name}[ {]`, 'm').test(text));
}

function labelsOf({ labels = [] }: Instrument): string {
  return labels
    .map((label) => label.replaceAll('.', '_'))
    .toSorted((a, b) => a.localeCompare(b))
    .join(',');
}
