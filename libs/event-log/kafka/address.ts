import { EventLogOpenError } from '../event-log.js';

/** The brokers in `kafka://host:port,host2:port2`; the port may be missing, it is 9092 then. Throws EventLogOpenError, without repeating the address. */
export function brokersIn(url: string): readonly { readonly host: string; readonly port: number }[] {
  const list = url.slice('kafka://'.length).replace(/\/$/, '').split(',');
  return list.map((broker) => {
    const { groups } = /^(\[(?<six>[\da-fA-F:]+)\]|(?<name>[\w.-]+))(:(?<port>\d{1,5}))?$/.exec(broker.trim()) ?? {};
    const port = Number(groups?.['port'] ?? 9092);
    const host = groups?.['six'] ?? groups?.['name'];
    if (host === undefined || port < 1 || port > 65_535) {
      throw new EventLogOpenError('the brokers of a Kafka cluster are given as kafka://host:port,host:port without users and passwords');
    }
    return { host, port };
  });
}
