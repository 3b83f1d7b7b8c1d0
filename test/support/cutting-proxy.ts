import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const PRODUCE = 0;
const HOST = '127.0.0.1';

/** One client's connection and the one to the broker that was made for it. */
interface Pair {
  readonly client: Socket;
  readonly broker: Socket;
  /** Correlation ids of Produce requests that have no answer yet. */
  readonly producing: Set<number>;
}

/**
 * Stands between Kafka's clients and a broker that tells its clients to come here (`advertisedPort`). It can cut a connection exactly when the
 * answer to a Produce request would come back, which is after the append: the client cannot know that its records are stored.
 */
export class CuttingProxy {
  private readonly pairs = new Set<Pair>();
  private readonly server: Server;
  private targetPort = 0;
  private cutsLeft = 0;
  private cutsDone = 0;
  private mayCut: () => boolean = () => true;
  private delayMs = 0;
  private isBlackhole = false;

  private constructor() {
    this.server = createServer((client) => this.accept(client));
  }

  /** Listens on a free port; `pointTo` says where connections go. */
  static async start(): Promise<CuttingProxy> {
    const proxy = new CuttingProxy();
    proxy.server.listen(0, HOST);
    await once(proxy.server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Answers to Produce requests that were cut off. */
  get cuts(): number {
    return this.cutsDone;
  }

  /** New connections go to this port. */
  pointTo(brokerPort: number): void {
    this.targetPort = brokerPort;
  }

  /** The next `times` answers to Produce requests for which `when` is true never arrive: the connection is reset instead. */
  cutProduceAnswers(times: number, when: () => boolean = () => true): void {
    this.cutsLeft = times;
    this.mayCut = when;
  }

  /** Every frame that comes from the broker arrives this much later. */
  delay(ms: number): void {
    this.delayMs = ms;
  }

  /** While true nothing passes either way, and every connection stays open. */
  blackhole(isOn: boolean): void {
    this.isBlackhole = isOn;
    for (const { client, broker } of this.pairs) {
      for (const socket of [client, broker]) {
        if (isOn) socket.pause();
        else socket.resume();
      }
    }
  }

  /** Resets every connection; clients may come again. */
  cutAll(): void {
    for (const pair of this.pairs) cut(pair);
  }

  async close(): Promise<void> {
    this.cutAll();
    this.server.close();
    await once(this.server, 'close');
  }

  private accept(client: Socket): void {
    const pair: Pair = { client, broker: connect(this.targetPort, HOST), producing: new Set() };
    this.pairs.add(pair);
    relay(client, pair.broker, (frame) => this.requested(pair, frame));
    relay(pair.broker, client, (frame) => this.answered(pair, frame));
    for (const [socket, other] of [
      [client, pair.broker],
      [pair.broker, client],
    ] as const) {
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        other.destroy();
        this.pairs.delete(pair);
      });
      if (this.isBlackhole) socket.pause();
    }
  }

  private requested({ producing, broker }: Pair, frame: Buffer): void {
    if (frame.readInt16BE(4) === PRODUCE) producing.add(frame.readInt32BE(8));
    broker.write(frame);
  }

  private answered(pair: Pair, frame: Buffer): void {
    if (pair.producing.delete(frame.readInt32BE(4)) && this.cutsLeft > 0 && this.mayCut()) {
      this.cutsLeft -= 1;
      this.cutsDone += 1;
      cut(pair);
    } else if (this.delayMs > 0) {
      setTimeout(() => pair.client.write(frame), this.delayMs);
    } else {
      pair.client.write(frame);
    }
  }
}

function cut({ client, broker }: Pair): void {
  client.resetAndDestroy();
  broker.destroy();
}

/** Hands over whole frames: four bytes of length, and as many bytes as they say. */
function relay(from: Socket, to: Socket, take: (frame: Buffer) => void): void {
  let pending: Buffer = Buffer.alloc(0);
  from.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0) && !from.destroyed) {
      const end = 4 + pending.readInt32BE(0);
      take(pending.subarray(0, end));
      pending = pending.subarray(end);
    }
    if (to.writableNeedDrain) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  });
}
