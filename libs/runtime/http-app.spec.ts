import { Controller, Get, Injectable, Module, Post, Req, type DynamicModule } from '@nestjs/common';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { startHttpApp, type HttpApp, type HttpAppOptions } from './http-app.js';
import { Logger } from './logger.js';
import { StartError } from './settings.js';

@Injectable()
class Greeting {
  readonly text = 'hello';
}

let arrived = Promise.withResolvers<void>();
let released = Promise.withResolvers<void>();

@Controller()
class Pages {
  constructor(private readonly greeting: Greeting) {}

  /** Answers when the test says so. */
  @Get('slow')
  async slow(): Promise<string> {
    arrived.resolve();
    await released.promise;
    return 'at last';
  }

  @Get('hello')
  hello(): string {
    return this.greeting.text;
  }

  /** Answers what the body is. */
  @Post('body')
  body(@Req() incoming: { body: unknown }): string {
    return Buffer.isBuffer(incoming.body) ? incoming.body.toString('hex') : typeof incoming.body;
  }
}

@Module({})
class Site {}

const module: DynamicModule = { module: Site, controllers: [Pages], providers: [Greeting] };
const quiet = new Logger('test', 'error');
let app: HttpApp | undefined;

async function start(options: Partial<HttpAppOptions> = {}): Promise<HttpApp> {
  app = await startHttpApp({ module, host: '127.0.0.1', port: 0, logger: quiet, ...options });
  return app;
}

/** Whether anybody listens on the port. */
async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const accepted = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return accepted;
}

/** The answer to a GET over the agent's connection. */
function textOf(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { agent }, (answer) => resolve(text(answer)))
      .once('error', reject)
      .end();
  });
}

describe('startHttpApp', () => {
  afterEach(async () => {
    await app?.nest.close();
    app = undefined;
  });

  it('serves a Nest module, HEAD too, at the address that it names', async () => {
    const { url } = await start();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(await (await fetch(`${url}/hello`)).text()).toBe('hello');
    expect((await fetch(`${url}/hello`, { method: 'HEAD' })).status).toBe(200);
  });

  it('names an address that can be reached where it listens on all', async () => {
    const { url } = await start({ host: '0.0.0.0' });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:/);
    expect((await fetch(`${url}/hello`)).status).toBe(200);
  });

  it.each(['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'no/such; charset=none'])(
    'hands bodies over as they came: %s',
    async (type) => {
      const { url } = await start();
      const body = Uint8Array.of(0x7b, 0x00, 0xff, 0x0a);
      const answer = await fetch(`${url}/body`, { method: 'POST', headers: { 'content-type': type }, body });
      expect(await answer.text()).toBe('7b00ff0a');
    },
  );

  it('refuses bodies above the limit', async () => {
    const { url } = await start({ maxBodyBytes: 10 });
    const post = async (size: number) => (await fetch(`${url}/body`, { method: 'POST', body: new Uint8Array(size) })).status;
    expect([await post(10), await post(11)]).toEqual([201, 413]);
  });

  it('has one clear line where the port is in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const failure = start({ port });
    await expect(failure).rejects.toThrow(new StartError(`port ${port} on 127.0.0.1 is already in use; choose another one`));
    await expect(failure).rejects.toMatchObject({ name: 'StartError', exitCode: 2 });
    await new Promise((resolve) => other.close(resolve));
  });

  it('has one clear line where the host is not of this machine', async () => {
    const failure = start({ host: '203.0.113.1' });
    await expect(failure).rejects.toThrow(new StartError('HOST 203.0.113.1 is not an address of this machine'));
  });

  it('gives a request only so long to come in', async () => {
    const { nest } = await start();
    expect([nest.getHttpServer().requestTimeout, nest.getHttpServer().headersTimeout]).toEqual([300_000, 60_000]);
    await nest.close();
  });

  it('stops although a client keeps its connection, or opened one and never used it', async () => {
    const { url, nest } = await start();
    const agent = new Agent({ keepAlive: true });
    expect(await textOf(`${url}/hello`, agent)).toBe('hello');
    const unused = connect(Number(new URL(url).port), '127.0.0.1');
    await once(unused, 'connect');
    await nest.close();
    await expect(fetch(`${url}/hello`)).rejects.toThrow('fetch failed');
    agent.destroy();
    unused.destroy();
  });

  it('finishes an answer while it stops, and does not wait for its connection to be given up', async () => {
    arrived = Promise.withResolvers();
    released = Promise.withResolvers();
    const { url, nest } = await start();
    const agent = new Agent({ keepAlive: true });
    const answer = textOf(`${url}/slow`, agent);
    await arrived.promise;
    const stopped = nest.close();
    await expect.poll(() => accepts(Number(new URL(url).port)), { timeout: 10_000 }).toBe(false);
    released.resolve();
    expect(await answer).toBe('at last');
    await stopped;
    agent.destroy();
  });
});
