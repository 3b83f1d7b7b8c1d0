import { freePort } from '../../tools/kafka/broker.js';
import { KAFKA_VERSION } from '../../tools/kafka/installation.js';
import { USUAL_PROPERTIES } from '../../tools/kafka/properties.js';

/** A broker in a container, which the container engine removes when this process is gone. Undefined if no engine answers. */
export async function startKafkaContainer(): Promise<{ readonly brokers: string; stop(): Promise<unknown> } | undefined> {
  const { GenericContainer, Wait, getContainerRuntimeClient } = await import('testcontainers');
  const answers = await getContainerRuntimeClient().then(
    () => true,
    () => false,
  );
  if (!answers) return undefined;
  const port = await freePort();
  const properties = {
    ...USUAL_PROPERTIES,
    'controller.quorum.voters': '1@127.0.0.1:9093',
    listeners: 'PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093',
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  };
  const environment = Object.fromEntries(Object.entries(properties).map(([name, value]) => [environmentName(name), value]));
  const container = await new GenericContainer(`apache/kafka:${KAFKA_VERSION}`)
    .withEnvironment(environment)
    .withExposedPorts({ container: 9092, host: port })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .start();
  return { brokers: `127.0.0.1:${port}`, stop: () => container.stop() };
}

/** The image takes each property from a variable. */
function environmentName(property: string): string {
  return `KAFKA_${property.toUpperCase().replaceAll('.', '_')}`;
}
