import { describe, expect, it } from 'vitest';
import { EventLogOpenError } from '../event-log.js';
import { brokersIn } from './address.js';

describe('the brokers in a URL', () => {
  it.each([
    ['kafka://h:1', [{ host: 'h', port: 1 }]],
    [
      'kafka://a.b-c:9093,10.0.0.1',
      [
        { host: 'a.b-c', port: 9093 },
        { host: '10.0.0.1', port: 9092 },
      ],
    ],
    ['kafka://[::1]:9092/', [{ host: '::1', port: 9092 }]],
  ])('%s', (url, brokers) => {
    expect(brokersIn(url)).toEqual(brokers);
  });

  it.each(['kafka://', 'kafka://h:0', 'kafka://h:70000', 'kafka://h:x', 'kafka://user:secret@h:1', 'kafka://a,,b'])(
    '%s is refused',
    (url) => {
      expect(() => brokersIn(url)).toThrow(EventLogOpenError);
      expect(() => brokersIn(url)).not.toThrow('secret');
    },
  );
});
