import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MetricsDocument } from '#libs/contracts';
import type { Frame } from './cells.js';
import { NOT_CONNECTED, type Connection } from './connection.js';
import { fakeAlert, fakeDocument, fakeGpu } from './document.fixture.js';
import { layout, PLAIN_SIZE, type Size, type View } from './layout.js';
import { ENGLISH } from './messages-en.js';
import { CHINESE } from './messages-zh.js';
import { printed } from './renderer.js';
import { widthOf } from './width.js';

const NOW_MS = 60_000;
const VIEW: View = {
  connection: NOT_CONNECTED,
  url: 'http://127.0.0.1:8000',
  window: '5m',
  words: ENGLISH,
  hasToken: false,
  hasKeys: false,
};

function connectedTo(document: MetricsDocument): Connection {
  return { latest: { document, receivedAtMs: NOW_MS }, failures: 0 };
}

function linesOf(changes: Partial<View>, size: Size = PLAIN_SIZE, nowMs = NOW_MS): readonly string[] {
  const frame = layout({ ...VIEW, ...changes }, nowMs, size);
  return printed(frame, { colored: false, positioned: false }).trimEnd().split('\n');
}

function textOf(changes: Partial<View>, size?: Size, nowMs?: number): string {
  return linesOf(changes, size, nowMs).join('\n');
}

/** The line of a frame with `text` in it, for a document with these changes. */
function lineWith(text: string, changes: Partial<MetricsDocument>, size?: Size): string {
  return linesOf({ connection: connectedTo(fakeDocument(changes)) }, size).find((one) => one.includes(text)) ?? '';
}

function titlesAt(rows: number, document: MetricsDocument): readonly string[] {
  const text = textOf({ connection: connectedTo(document) }, { columns: 80, rows });
  return [...text.matchAll(/Request state|SLO|GPU|Alerts/g)].map(String);
}

function stylesOf(frame: Frame, text: string): readonly string[] {
  const found =
    frame.find((cells) =>
      cells
        .map((cell) => cell.text)
        .join('')
        .includes(text),
    ) ?? [];
  return [...new Set(found.filter((cell) => cell.text !== ' ').map(({ style }) => style))];
}

describe('the frame', () => {
  it('shows the panels in English', () => {
    expect(textOf({ connection: connectedTo(fakeDocument()) })).toBe(`\
╔════════════════════════════════════════════════════════════════╗
║           Inferometer · vLLM service live dashboard            ║
╠════════════════════════════════════════════════════════════════╣
║  📊 Request state                                              ║
║     Waiting: 0         Running: 1         Total: 15            ║
║     Concurrency: [██████░░░░░░░░░░░░░░] 1/3                    ║
╠════════════════════════════════════════════════════════════════╣
║  ⏱️ SLO                                        targets met 2/2 ║
║     TTFT: Mean: 0.68s  P50: 0.65s  P95: 0.85s  P99: 0.92s      ║
║     Throughput: Mean: 3.2  P50: 3.1  Total: 2.9 tok/s          ║
╠════════════════════════════════════════════════════════════════╣
║  💾 GPU memory  NVIDIA GeForce RTX 3080                        ║
║     [███████████████░░░░░] 7.64/9.64 GB  79.3%                 ║
╠════════════════════════════════════════════════════════════════╣
║  🔔 Alerts                                                     ║
║     none                                                       ║
╠════════════════════════════════════════════════════════════════╣
║  Status: healthy · data 0 s old                                ║
║  http://127.0.0.1:8000                              Window: 5m ║
╚════════════════════════════════════════════════════════════════╝`);
  });

  it('shows the request state in Chinese as its first users know it', () => {
    const lines = linesOf({ words: CHINESE, connection: connectedTo(fakeDocument()) });
    expect(lines.slice(2, 7)).toEqual([
      '╠════════════════════════════════════════════════════════════════╣',
      '║  📊 请求状态                                                   ║',
      '║     等待中: 0          运行中: 1          总请求: 15           ║',
      '║     并发使用: [██████░░░░░░░░░░░░░░] 1/3                       ║',
      '╠════════════════════════════════════════════════════════════════╣',
    ]);
    expect(lines[1]).toContain('vLLM 服务实时监控仪表板');
    expect(lines[7]).toMatch(/^║ {2}⏱️ SLO 指标 .*达标 2\/2 ║$/);
  });

  it.each([ENGLISH, CHINESE])('has all its right borders in one column ($title)', (words) => {
    const document = fakeDocument({ alerts: [fakeAlert({ message: '队列过长 ⏱️👨‍👩‍👧: 7 > 5' })], gpus: [fakeGpu(0, 40), fakeGpu(1, 75)] });
    const lines = linesOf({ words, connection: connectedTo(document) });
    expect(new Set(lines.map(widthOf))).toEqual(new Set([66]));
  });

  it('never leaves the terminal, and keeps its frame, at any size', () => {
    const document = fakeDocument({ alerts: [fakeAlert(), fakeAlert({ level: 'critical' })], gpus: [fakeGpu(0, 40), fakeGpu(1, 75)] });
    const connections = fc.constantFrom<Connection>(NOT_CONNECTED, { problem: { kind: 'timeout' }, failures: 1 }, connectedTo(document), {
      ...connectedTo(document),
      problem: { kind: 'status', status: 401 },
      failures: 1,
    });
    fc.assert(
      fc.property(connections, fc.constantFrom(ENGLISH, CHINESE), fc.nat(130), fc.nat(40), (connection, words, columns, rows) => {
        const frame = layout({ ...VIEW, words, connection, hasKeys: true }, NOW_MS, { columns, rows });
        expect(frame.length).toBeLessThanOrEqual(rows);
        expect(new Set(frame.map(({ length }) => length)).size).toBeLessThanOrEqual(1);
        expect(frame[0]?.length ?? 0).toBeLessThanOrEqual(columns);
        if (columns < 4 || rows < 4) return;
        const texts = frame.map((cells) => cells.map(({ text }) => text).join(''));
        expect(texts[0]).toMatch(/^╔═+╗$/);
        expect(texts.at(-1)).toMatch(/^╚═+╝$/);
        for (const text of texts.slice(1, -1)) expect(text).toMatch(/^[║╠].*[║╣]$/u);
      }),
    );
  });

  it('grows with the terminal, up to a width that still reads well', () => {
    const widths = [60, 80, 98, 200].map((columns) => layout(VIEW, NOW_MS, { columns, rows: 24 })[0]!.length);
    expect(widths).toEqual([60, 80, 98, 98]);
  });

  it('shows everything on 60x20', () => {
    const lines = linesOf({ connection: connectedTo(fakeDocument()) }, { columns: 60, rows: 20 });
    expect(lines).toHaveLength(20);
    expect(lines.join('\n')).not.toContain('…');
  });

  it('leaves out what matters least on a low terminal, never the request state', () => {
    expect(titlesAt(16, fakeDocument())).toEqual(['Request state', 'SLO', 'Alerts']);
    expect(titlesAt(11, fakeDocument())).toEqual(['Request state', 'SLO']);
    expect(titlesAt(11, fakeDocument({ alerts: [fakeAlert()] }))).toEqual(['Request state', 'Alerts']);
    expect(titlesAt(5, fakeDocument())).toEqual(['Request state']);
  });
});

describe('the panels', () => {
  const { requests, slo, gpu, data_quality: quality } = fakeDocument();

  it('knows no limit while no gateway has told one', () => {
    expect(lineWith('Concurrency', { requests: { ...requests, max_concurrent: 0 } })).toContain('[░░░░░░░░░░░░░░░░░░░░] 1/–');
  });

  it('draws the bar full when more run than one gateway allows', () => {
    expect(lineWith('Concurrency', { requests: { ...requests, running: 4 } })).toContain('[████████████████████] 4/3');
  });

  it('moves large counts together before it cuts them', () => {
    const busy = { requests: { ...requests, total: 123_456_789_012_345 } };
    expect(lineWith('Waiting', busy, { columns: 62, rows: 24 })).toContain('Waiting: 0  Running: 1  Total: 123456789012345');
    expect(lineWith('Waiting', busy, { columns: 50, rows: 24 })).toContain('Waiting 0 Running 1 Total 123456789012345');
    expect(lineWith('Waiting', busy, { columns: 40, rows: 24 })).toContain('Waiting 0 Running 1 Total 12345678…');
  });

  it('shows a dash, not 0, where nothing was measured', () => {
    const none = { mean: 0, p50: 0, p95: 0, p99: 0, unit: 'seconds' } as const;
    const still = { decoding_mean: 0, decoding_p50: 0, total: 0, unit: 'tokens/sec' } as const;
    const changes = { slo: { ...slo, sample_size: 0, ttft: none, throughput: still } };
    expect(lineWith('TTFT', changes)).toContain('TTFT: Mean: –  P50: –  P95: –  P99: –');
    expect(lineWith('Throughput', changes)).toContain('Throughput: Mean: –  P50: –  Total: 0.0 tok/s');
  });

  it('names the unit at each figure where there is room', () => {
    expect(lineWith('Throughput', {}, { columns: 80, rows: 24 })).toContain('Mean: 3.2 tok/s  P50: 3.1 tok/s  Total: 2.9 tok/s');
  });

  it('marks a missed target', () => {
    const targets = [{ name: 'ttft_p95', target: '< 1.0 s', value: 1.85, met: false }];
    const missed = fakeDocument({ slo: { ...slo, targets, ttft: { ...slo.ttft, p95: 1.85 } } });
    const frame = layout({ ...VIEW, connection: connectedTo(missed) }, NOW_MS, PLAIN_SIZE);
    expect(stylesOf(frame, 'P95: 1.85s')).toContain('warning');
    expect(stylesOf(frame, 'missed: TTFT')).toContain('warning');
  });

  it('shows one line for each of several GPUs, and how many there was no room for', () => {
    const gpus = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => fakeGpu(index, 40 + 5 * index));
    const connection = connectedTo(fakeDocument({ gpus, gpu: { ...gpu, name: '8 × NVIDIA H100 80GB HBM3', total_gb: 640 } }));
    const all = textOf({ connection });
    expect(all).toContain('#7 [██████████████████░░] 75.00/80.00 GB  93.8%');
    expect(all).not.toContain('more');
    const some = textOf({ connection }, { columns: 80, rows: 24 });
    expect(some).toContain('#3 [');
    expect(some).not.toContain('#4 [');
    expect(some).toMatch(/8 × NVIDIA H100 80GB HBM3 .*\+4 more ║/);
  });

  it('shares a low terminal out between alerts and GPUs, alerts first', () => {
    const gpus = [0, 1, 2, 3].map((index) => fakeGpu(index, 40));
    const alerts = ['a', 'b', 'c'].map((name) => fakeAlert({ message: `alert ${name}` }));
    const lines = linesOf({ connection: connectedTo(fakeDocument({ gpus, alerts })) }, { columns: 80, rows: 23 });
    expect(lines).toHaveLength(23);
    expect(lines.filter((one) => /#\d \[/.test(one))).toHaveLength(1);
    expect(lines.filter((one) => one.includes('alert '))).toHaveLength(3);
  });

  it('tells GPUs of several hosts apart', () => {
    expect(lineWith('node-b/0', { gpus: [fakeGpu(0, 40), fakeGpu(0, 50, 'node-b')] })).toContain('node-b/0 [████████████░░░░░░░░]');
  });

  it('says when there is no GPU, and when its reading is old', () => {
    expect(lineWith('no reading', { gpu: { ...gpu, name: 'Unknown', total_gb: 0 } })).toMatch(/^║ +no reading +║$/);
    expect(lineWith('7.64/9.64 GB', { data_quality: { ...quality, gpu_reading_age_seconds: 75 } })).toContain('data 1 min 15 s old');
  });

  it('shows the gravest alert first, how long it has stood, and how many there was no room for', () => {
    const alerts = [fakeAlert(), fakeAlert({ level: 'critical', message: '12.0 % of requests fail', since: '2026-01-01T11:59:48.000Z' })];
    const connection = connectedTo(fakeDocument({ alerts, status: 'critical' }));
    expect(linesOf({ connection }).slice(14, 18)).toEqual([
      '║  🔔 Alerts                                                     ║',
      '║     CRITICAL  12.0 % of requests fail                 for 12 s ║',
      '║     WARNING   7 requests are waiting, more than 5    for 1 min ║',
      '╠════════════════════════════════════════════════════════════════╣',
    ]);
    expect(textOf({ connection }, { columns: 66, rows: 20 })).toMatch(/🔔 Alerts +\+1 more ║\n║ +CRITICAL .*\n╠/);
  });

  it('says that an alert can no longer be judged', () => {
    expect(lineWith('WARNING', { alerts: [fakeAlert({ state: 'unknown' })] })).toContain('WARNING  (data too old)  7 requests');
  });

  it('does not tell how long an alert has stood if its time makes no sense', () => {
    expect(lineWith('WARNING', { alerts: [fakeAlert({ since: 'never' })] })).not.toContain('for');
  });

  it('shows a level and a status that it has no word for as they came', () => {
    const alerts = [fakeAlert({ level: 'constructor' as 'warning' })];
    expect(lineWith('constructor', { alerts })).toContain('constructor  7 requests');
    expect(lineWith('Status', { status: 'toString' as 'healthy' })).toContain('Status: toString');
  });

  it('never obeys text of the server', () => {
    const evil = '\u001b[2J\u001b]0;x\u0007\u009b31m\u202e\r\n';
    const document = fakeDocument({
      gpu: { ...gpu, name: `GPU${evil}` },
      alerts: [fakeAlert({ message: evil, level: evil as 'warning' })],
    });
    const text = printed(layout({ ...VIEW, connection: connectedTo(document) }, NOW_MS, PLAIN_SIZE), { colored: false, positioned: false });
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(text).toContain('GPU␛[2J␛]0;x␇');
    expect(new Set(text.trimEnd().split('\n').map(widthOf))).toEqual(new Set([66]));
  });
});

describe('the connection', () => {
  const lost: Connection = { ...connectedTo(fakeDocument()), problem: { kind: 'refused' }, failures: 3 };

  it('waits for the first data in a frame of its own', () => {
    expect(textOf({ connection: { problem: { kind: 'status', status: 401 }, failures: 1 } })).toBe(`\
╔════════════════════════════════════════════════════════════════╗
║           Inferometer · vLLM service live dashboard            ║
╠════════════════════════════════════════════════════════════════╣
║  Waiting for the first data …                                  ║
║  401: set API_TOKEN                                            ║
╠════════════════════════════════════════════════════════════════╣
║  Status: –                                                     ║
║  http://127.0.0.1:8000                              Window: 5m ║
╚════════════════════════════════════════════════════════════════╝`);
  });

  it('keeps the last values, greyed, with their age and the reason', () => {
    const frame = layout({ ...VIEW, connection: lost }, NOW_MS + 12_345, PLAIN_SIZE);
    expect(textOf({ connection: lost }, PLAIN_SIZE, NOW_MS + 12_345)).toContain('║  Last seen 12 s ago: connection refused ');
    for (const text of ['Waiting: 0', 'Concurrency', 'targets met', 'TTFT', 'GPU memory', 'none']) {
      expect(stylesOf(frame, text)).toEqual(['frame', 'dim']);
    }
    expect(stylesOf(frame, 'Last seen')).toEqual(['frame', 'critical']);
  });

  it('says so in Chinese, too', () => {
    expect(textOf({ words: CHINESE, connection: lost }, PLAIN_SIZE, NOW_MS + 12_000)).toContain('最后数据 12 秒前: 连接被拒绝');
  });

  it('counts the delay of the pipeline into the age of the data', () => {
    const document = fakeDocument({ data_quality: { ...fakeDocument().data_quality, lag_seconds: 7.5 } });
    expect(textOf({ connection: connectedTo(document) }, PLAIN_SIZE, NOW_MS + 600)).toContain('data 8 s old');
  });

  it('tells who sits at a keyboard how to leave', () => {
    expect(textOf({ hasKeys: true })).toContain('q quits ║');
    expect(textOf({ hasKeys: false })).not.toContain('q quits');
  });
});
