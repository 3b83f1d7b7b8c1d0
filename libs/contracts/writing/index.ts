/*
 * What whoever writes events needs, and no more: the schemas and what checks events by them would cost each process that only writes some 30 MB.
 * Types are free, and come from `#libs/contracts`.
 */
export { cellOf, PER_TOKEN_EDGES_SECONDS } from '../edges.js';
export { EventSource } from '../event-source.js';
export { EVENT_TYPES } from '../event-types.js';
export { topicsOf } from '../topics.js';
