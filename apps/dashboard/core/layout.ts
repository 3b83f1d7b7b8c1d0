import type { MetricsDocument, WindowName } from '#libs/contracts';
import { BLANK, cellsOf, cutTo, padTo, repeated, restyled, type Frame, type Line } from './cells.js';
import type { Connection } from './connection.js';
import { describeProblem, type Messages } from './messages.js';
import { duration } from './numbers.js';
import { alertRows, gpuRows, requestRows, sloRows, styleOfStatus, wordFor, type Place, type Row } from './panels.js';

/** Everything that a frame shows. */
export interface View {
  readonly connection: Connection;
  readonly url: string;
  readonly window: WindowName;
  readonly words: Messages;
  readonly hasToken: boolean;
  /** Whether somebody can press keys. */
  readonly hasKeys: boolean;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** The size of a frame that goes to a file or a pipe: as wide as its users know it, as high as it needs. */
export const PLAIN_SIZE: Size = { columns: 66, rows: Number.POSITIVE_INFINITY };
/** Longer lines are no easier to read. */
const MAX_INNER = 96;

type SectionName = 'title' | 'requests' | 'slo' | 'gpu' | 'alerts' | 'footer';
interface Section {
  readonly name: SectionName;
  readonly rows: readonly Row[];
}

/** The frame for a view: never wider or higher than `size`. `nowMs` is of the clock of `connection`. */
export function layout(view: View, nowMs: number, size: Size): Frame {
  const inner = Math.max(0, Math.min(MAX_INNER, size.columns - 2));
  const place: Place = { words: view.words, inner };
  const title: Section = { name: 'title', rows: [{ left: centred(cellsOf(view.words.title, 'strong'), inner) }] };
  const footer: Section = { name: 'footer', rows: footerRows(view, nowMs) };
  const { latest, problem } = view.connection;
  const panels = latest ? panelSections(latest.document, place, size.rows) : [waitingSection(view, place)];
  const shown = problem ? panels.map(greyed) : panels;
  const lines = framed(fitted([title, ...shown, footer], size.rows, latest?.document), inner);
  return cropped(lines, size);
}

function panelSections(document: MetricsDocument, place: Place, rows: number): readonly Section[] {
  const build = (gpuRoom: number, alertRoom: number): readonly Section[] => [
    { name: 'requests', rows: requestRows(document, place) },
    { name: 'slo', rows: sloRows(document, place) },
    { name: 'gpu', rows: gpuRows(document, place, gpuRoom) },
    { name: 'alerts', rows: alertRows(document, place, alertRoom) },
  ];
  // Title and footer take five lines and the borders between.
  const spare = Math.max(0, rows - heightOf(build(0, 1)) - 5);
  const alertRoom = Math.min(document.alerts.length, 1 + spare);
  return build(spare - Math.max(0, alertRoom - 1), alertRoom);
}

function waitingSection({ connection, words, hasToken }: View, { inner }: Place): Section {
  const problem = connection.problem ? [{ left: cellsOf(`  ${describeProblem(words, connection.problem, hasToken)}`, 'critical') }] : [];
  const rows = [{ left: cellsOf(`  ${words.waitingForData}`) }, ...problem].map(({ left }) => ({ left: cutTo(left, inner) }));
  return { name: 'requests', rows };
}

function footerRows(view: View, nowMs: number): readonly Row[] {
  const { connection, words, url } = view;
  const document = connection.latest?.document;
  const quit = view.hasKeys ? { right: cellsOf(words.quit, 'dim') } : {};
  const window = cellsOf(`${words.window}: ${document?.window.name ?? view.window}`);
  return [
    { left: [...cellsOf('  '), ...stateCells(view, nowMs)], ...quit },
    { left: cellsOf(`  ${url}`), right: window },
  ];
}

/** The state of the service, or of the connection if that is lost. */
function stateCells({ connection, words, hasToken }: View, nowMs: number): Line {
  const { latest, problem } = connection;
  if (!latest) return cellsOf(`${words.status}: –`);
  const elapsed = (nowMs - latest.receivedAtMs) / 1000;
  if (problem)
    return cellsOf(`${words.lastSeen(duration(elapsed, words.units))}: ${describeProblem(words, problem, hasToken)}`, 'critical');
  const { status, data_quality: quality } = latest.document;
  return [
    ...cellsOf(`${words.status}: `),
    ...cellsOf(wordFor(words.statuses, status), styleOfStatus(status)),
    ...cellsOf(` · ${words.age(duration(elapsed + quality.lag_seconds, words.units))}`),
  ];
}

function greyed({ name, rows }: Section): Section {
  return { name, rows: rows.map(({ left, right = [] }) => ({ left: restyled(left, 'dim'), right: restyled(right, 'dim') })) };
}

/** Leaves out what matters least until the frame fits: the address, the title, quiet panels; the request state stays. */
function fitted(sections: readonly Section[], rows: number, document: MetricsDocument | undefined): readonly Section[] {
  const quietFirst: readonly SectionName[] = document && document.alerts.length > 0 ? ['gpu', 'slo', 'alerts'] : ['gpu', 'alerts', 'slo'];
  let kept = sections;
  if (heightOf(kept) > rows) kept = kept.map((one) => (one.name === 'footer' ? { ...one, rows: one.rows.slice(0, 1) } : one));
  for (const name of ['title', ...quietFirst, 'footer']) {
    if (heightOf(kept) > rows) kept = kept.filter((one) => one.name !== name);
  }
  return kept;
}

/** Lines of the sections with the borders above, between and below. */
function heightOf(sections: readonly Section[]): number {
  return sections.reduce((height, { rows }) => height + rows.length + 1, 1);
}

function framed(sections: readonly Section[], inner: number): Frame {
  const bar = repeated(cellsOf('═', 'frame')[0]!, inner);
  const bodies = sections.map(({ rows }) =>
    rows.map((row) => [...cellsOf('║', 'frame'), ...composed(row, inner), ...cellsOf('║', 'frame')]),
  );
  const border = (left: string, right: string) => [...cellsOf(left, 'frame'), ...bar, ...cellsOf(right, 'frame')];
  return [border('╔', '╗'), ...bodies.flatMap((body, index) => (index > 0 ? [border('╠', '╣'), ...body] : body)), border('╚', '╝')];
}

/** Right parts give way first: at least two thirds of the line belong to the left one. */
function composed({ left, right = [] }: Row, inner: number): Line {
  const tail = right.length > 0 && right.length * 3 <= inner ? [...right, ...cellsOf(' ')] : [];
  const room = inner - tail.length;
  return [...padTo(cutTo(left, tail.length > 0 ? room - 1 : room), room), ...tail];
}

function centred(line: Line, inner: number): Line {
  return [...repeated(BLANK, Math.floor((inner - line.length) / 2)), ...line];
}

/** For screens too small even for that: what is left of it, with its lower border. */
function cropped(lines: Frame, { columns, rows }: Size): Frame {
  const kept = lines.length > rows ? [...lines.slice(0, Math.max(0, rows - 1)), lines.at(-1)!].slice(0, rows) : lines;
  return kept.map((line) => (line.length > columns ? cutTo(line, columns) : line));
}
