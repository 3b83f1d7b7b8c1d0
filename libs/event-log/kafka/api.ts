import type { ByteReader, ByteWriter } from './bytes.js';

/**
 * One request of the Kafka protocol and its answer, in one fixed version that brokers from Kafka 3.1 on speak (kafka.apache.org/protocol).
 * Answers carry error codes as they are: see errors.ts.
 */
export interface Api<Request, Answer> {
  readonly name: string;
  readonly key: number;
  readonly version: number;
  /** Whether this version has the tagged fields of KIP-482, in its headers too. */
  readonly flexible: boolean;
  readonly encode: (to: ByteWriter, request: Request) => void;
  readonly decode: (from: ByteReader) => Answer;
}
