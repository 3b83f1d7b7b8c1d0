import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { KAFKA_NEEDS, KafkaBroker } from '../../tools/kafka/broker.js';
import { kafkaInstallation } from '../../tools/kafka/installation.js';
import { startKafkaContainer } from './kafka-container.js';

/** What specs are told: where the broker is, or why there is none. */
export interface SharedKafka {
  readonly brokers?: string;
  readonly problem?: string;
}

interface Running {
  readonly brokers: string;
  stop(): Promise<unknown>;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** The URL that answers with a `SharedKafka`, after starting the broker if nobody has asked before. */
    sharedKafka: string;
  }
}

/** Called by vitest once a run. Nothing is started unless a spec asks for it; what was started ends with the run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let running: Promise<Running | undefined> | undefined;
  const server = createServer((_request, response) => {
    running ??= start();
    void answer(running).then((body) => response.end(JSON.stringify(body)));
  });
  await listen(server);
  project.provide('sharedKafka', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.closeAllConnections();
    server.close();
    await (await running?.catch(() => undefined))?.stop();
  };
}

async function answer(running: Promise<Running | undefined>): Promise<SharedKafka> {
  try {
    const broker = await running;
    return broker ? { brokers: broker.brokers } : { problem: `${KAFKA_NEEDS}, or a Docker engine, or KAFKA_BROKERS=host:port` };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

async function start(): Promise<Running | undefined> {
  const brokers = process.env['KAFKA_BROKERS'];
  if (brokers) return { brokers, stop: async () => {} };
  const hasDocker = process.env['DOCKER_HOST'] !== undefined || existsSync('/var/run/docker.sock');
  const container = hasDocker ? await startKafkaContainer().catch(warn) : undefined;
  if (container) return container;
  return (await kafkaInstallation()) && KafkaBroker.start();
}

function warn(problem: unknown): undefined {
  console.warn(`Kafka does not start in a container, trying without: ${String(problem)}`);
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}
