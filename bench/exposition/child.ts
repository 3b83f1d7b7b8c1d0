import { setTimeout as wait } from 'node:timers/promises';
import { histograms } from './contents.js';
import { bytesInUse, measure, mostInUse } from './measure.js';
import { WRITERS, type WriterName } from './writers.js';

/* Measures one writer in a process of its own, where nothing else uses memory: `node --expose-gc child.js WRITER FAMILIES SERIES`, JSON out. */

const [writer, families, series] = process.argv.slice(2);
const contents = histograms(Number(families), Number(series));
const before = bytesInUse();
const scrape = WRITERS[writer as WriterName](contents);
const measured = await measure(scrape);
const bytes = (await scrape()).length;
// The last text is not given back at once.
await wait(500);
const inUseBytes = (await mostInUse(() => scrape({ sliceMs: 0 }))) - before;
console.log(JSON.stringify({ ...measured, bytes, inUseBytes }));
