export const SCHEMA_VERSION = 1;

/** Offsets and times are below 2^53, so that SQLite's integers are read as JavaScript numbers; they become bigints at the port. */
export const SCHEMA = `
CREATE TABLE topics (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  policy TEXT NOT NULL,
  retention_ms INTEGER,
  retention_bytes INTEGER
) STRICT;

CREATE TABLE partitions (
  id INTEGER PRIMARY KEY,
  topic_id INTEGER NOT NULL REFERENCES topics (id),
  number INTEGER NOT NULL,
  next_offset INTEGER NOT NULL DEFAULT 0,
  last_timestamp_ms INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0, -- of the frames that are kept
  UNIQUE (topic_id, number)
) STRICT;

-- Topics of policy delete. A row holds records of consecutive offsets (see frame.ts), so that a batch costs one insert.
CREATE TABLE frames (
  id INTEGER PRIMARY KEY,
  partition_id INTEGER NOT NULL,
  last_offset INTEGER NOT NULL,
  records INTEGER NOT NULL,
  timestamp_ms INTEGER NOT NULL,
  data BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX frames_by_offset ON frames (partition_id, last_offset);

-- Compacted topics: the newest record of each key, a tombstone (value NULL) included. An append replaces the older row.
CREATE TABLE latest (
  id INTEGER PRIMARY KEY,
  partition_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  offset INTEGER NOT NULL,
  timestamp_ms INTEGER NOT NULL,
  value BLOB
) STRICT;
CREATE UNIQUE INDEX latest_by_key ON latest (partition_id, key);
CREATE UNIQUE INDEX latest_by_offset ON latest (partition_id, offset);
CREATE INDEX tombstones ON latest (partition_id, timestamp_ms) WHERE value IS NULL;

-- Consumer groups. The primary key of owners is what keeps two members off one partition.
CREATE TABLE members (
  rank INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  topic_id INTEGER NOT NULL,
  group_name TEXT NOT NULL,
  process TEXT NOT NULL -- names the lock that its process holds (see presence.ts)
) STRICT;
CREATE TABLE owners (
  topic_id INTEGER NOT NULL,
  group_name TEXT NOT NULL,
  partition INTEGER NOT NULL,
  member_id TEXT NOT NULL,
  PRIMARY KEY (topic_id, group_name, partition)
) STRICT, WITHOUT ROWID;
CREATE TABLE membership (version INTEGER NOT NULL) STRICT; -- grows when a member may find something to take or to give up
INSERT INTO membership VALUES (0);
`;
