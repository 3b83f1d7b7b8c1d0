"""Bills tokens per tenant, exactly, from the terminal events of `inferometer.requests` alone.

Exactly means: across crashes of this program, whenever they come, and however often an event is delivered. Two rules make it so:

1. The bill and the offsets up to which it holds are stored in one transaction of one database. After a crash both are as they
   were after some whole batch, and reading goes on from there. What is committed in Kafka does not matter, so nothing is.
2. Whether an event was billed before is asked of its (source, id), which every copy of it shares. Not of the request id: that may be
   the client's own, and clients do repeat themselves.

It reads the settings that all processes read: EVENT_LOG_URL, EVENT_LOG_TOPIC_PREFIX, EVENT_LOG_TLS…, EVENT_LOG_SASL_….
"""

import argparse
import csv
import json
import os
import sqlite3
import sys
import time

from kafka import KafkaConsumer, TopicPartition

TERMINAL = {f"io.inferometer.request.{end}": f"io.inferometer.request.{end}.v1" for end in ("completed", "failed", "cancelled")}
LOOK_FOR_PARTITIONS_EVERY_S = 30

SCHEMA = """
CREATE TABLE IF NOT EXISTS offsets (topic TEXT, partition INTEGER, next INTEGER NOT NULL, PRIMARY KEY (topic, partition));
-- One row for each event, so that its copies are known. Rows that are older than any copy can come may be deleted.
CREATE TABLE IF NOT EXISTS billed (source TEXT, id TEXT, time TEXT NOT NULL, PRIMARY KEY (source, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bill (
  tenant TEXT, model TEXT, requests INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  counted INTEGER NOT NULL,  -- of the requests, those whose tokens the gateway counted: a lower bound
  unknown INTEGER NOT NULL,  -- of the requests, those of whose tokens nothing is known; they count as none
  PRIMARY KEY (tenant, model)
);
"""


def main():
    parser = argparse.ArgumentParser(description="Bills tokens per tenant from the log that EVENT_LOG_URL names.")
    parser.add_argument("--db", default="bill.sqlite", help="where bill and offsets are kept [bill.sqlite]")
    parser.add_argument("--once", action="store_true", help="end when everything that is there is billed")
    parser.add_argument("--report", action="store_true", help="print the bill as CSV, and read nothing")
    options = parser.parse_args()
    db = sqlite3.connect(options.db, isolation_level=None, timeout=30)
    db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + SCHEMA)
    if options.report:
        report(db)
        return
    topic = os.environ.get("EVENT_LOG_TOPIC_PREFIX", "inferometer.") + "requests"
    with KafkaConsumer(**kafka_settings(os.environ)) as consumer:
        follow(consumer, db, topic, options.once)


def kafka_settings(env):
    """The settings of our processes, in the words of kafka-python."""
    url = env.get("EVENT_LOG_URL", "")
    if not url.startswith("kafka://"):
        sys.exit("EVENT_LOG_URL must be kafka://host:port,…")
    encrypted = env.get("EVENT_LOG_TLS") == "on"
    mechanism = env.get("EVENT_LOG_SASL_MECHANISM", "none")
    settings = {
        "bootstrap_servers": url[len("kafka://") :].split(","),
        "security_protocol": ("SASL_" if mechanism != "none" else "") + ("SSL" if encrypted else "PLAINTEXT"),
        # No group: the offsets are ours, and so is the choice of partitions, which is all of them.
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "metadata_max_age_ms": LOOK_FOR_PARTITIONS_EVERY_S * 1000,
    }
    if encrypted:
        settings["ssl_cafile"] = env.get("EVENT_LOG_TLS_CA_FILE") or None
    if mechanism != "none":
        settings["sasl_mechanism"] = mechanism.upper()
        settings["sasl_plain_username"] = env.get("EVENT_LOG_SASL_USERNAME")
        settings["sasl_plain_password"] = env.get("EVENT_LOG_SASL_PASSWORD")
    return settings


def follow(consumer, db, topic, once):
    """Bills batch after batch; with `once`, until the end that the topic has now."""
    assigned = assign(consumer, db, topic)
    ends = consumer.end_offsets(list(assigned))
    looked = time.monotonic()
    while not (once and all(consumer.position(partition) >= end for partition, end in ends.items())):
        batches = consumer.poll(timeout_ms=500)
        if batches:
            bill(db, batches)
        if time.monotonic() - looked > LOOK_FOR_PARTITIONS_EVERY_S:
            looked = time.monotonic()
            if partitions_of(consumer, topic) != assigned:
                assigned = assign(consumer, db, topic)


def partitions_of(consumer, topic):
    return {TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()}


def assign(consumer, db, topic):
    """Takes all partitions, each from where the bill says."""
    partitions = partitions_of(consumer, topic)
    if not partitions:
        sys.exit(f"topic {topic} does not exist")
    consumer.assign(list(partitions))
    oldest, ends = consumer.beginning_offsets(list(partitions)), consumer.end_offsets(list(partitions))
    for partition in partitions:
        row = db.execute("SELECT next FROM offsets WHERE topic = ? AND partition = ?", (topic, partition.partition)).fetchone()
        start = row[0] if row else oldest[partition]
        if start < oldest[partition]:
            say(partition, start, f"the log has deleted what came before {oldest[partition]}: the bill lacks it")
        if start > ends[partition]:
            say(partition, start, "the topic was made anew: reading it from its beginning")
        consumer.seek(partition, start if oldest[partition] <= start <= ends[partition] else oldest[partition])
    return partitions


def bill(db, batches):
    """Adds what was read to the bill, and notes how far that is: all of it, or, if this program dies on the way, nothing."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        for partition, records in batches.items():
            for record in records:
                try:
                    add(db, record.value)
                except (ValueError, RecursionError) as problem:
                    # Of what does not even parse, the parser's own words could tell too much.
                    reason = "not JSON" if isinstance(problem, (json.JSONDecodeError, UnicodeDecodeError, RecursionError)) else problem
                    say(partition, record.offset, f"not billed: {reason}")
            db.execute("INSERT OR REPLACE INTO offsets VALUES (?, ?, ?)", (partition.topic, partition.partition, records[-1].offset + 1))


def add(db, value):
    """Bills one event, unless it is of another type, or was billed before. Raises ValueError for what is no event."""
    event = terminal_event(value)
    if event is None or db.execute("INSERT OR IGNORE INTO billed VALUES (:source, :id, :time)", event).rowcount == 0:
        return
    db.execute(
        """INSERT INTO bill VALUES (:tenant, :model, 1, :input, :output, :usage = 'counted', :usage = 'unknown')
        ON CONFLICT DO UPDATE SET requests = requests + 1,
        input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
        counted = counted + excluded.counted, unknown = unknown + excluded.unknown""",
        event,
    )


def terminal_event(value):
    """What the bill needs of an event; None if that is not about the end of a request. Raises ValueError for what is no event."""
    event = json.loads(value or b"null")
    kind = event.get("type") if isinstance(event, dict) else None
    if not isinstance(kind, str):
        raise ValueError("not an event")
    known = TERMINAL.get(kind.rpartition(".")[0])
    if known is None:
        return None
    if kind != known:
        raise ValueError("an event of another version")
    data = event.get("data")
    if not isinstance(data, dict):
        raise ValueError("an event without data")
    return {
        **{name: text(event.get(name)) for name in ("source", "id", "time")},
        "tenant": text(data.get("tenant", "")),
        "model": text(data.get("model")),
        "input": tokens(data.get("input_tokens", 0)),
        "output": tokens(data.get("output_tokens", 0)),
        "usage": text(data.get("usage_source")),
    }


def text(value):
    if not isinstance(value, str):
        raise ValueError("a field that is no text")
    return value.encode("utf-8", "replace").decode()  # Half a surrogate pair cannot be stored.


def tokens(value):
    if type(value) is not int or not 0 <= value <= 10**9:
        raise ValueError("tokens that are no count")
    return value


def report(db):
    cursor = db.execute("SELECT tenant, model, requests, input_tokens, output_tokens, counted, unknown FROM bill ORDER BY 1, 2")
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(column[0] for column in cursor.description)
    lines.writerows(cursor)


def say(partition, offset, text):
    """Never says what stands in a record."""
    print(f"{partition.topic}, partition {partition.partition}, offset {offset}: {text}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
