import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

/** What it takes to run a broker without a container. */
export interface KafkaInstallation {
  /** The Java program. */
  readonly java: string;
  /** The class path of Kafka and all that it needs. */
  readonly classPath: string;
}

export const KAFKA_VERSION = '4.3.1';

const OLDEST_JAVA = 17;
const FETCH_DEADLINE_MS = 300_000;
const run = promisify(execFile);

/** Only what a broker and the tool that formats its folder need; logs go nowhere but to warnings on stderr. */
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;

/** Finds Java and Kafka's jars, which are fetched once with Maven and kept. Undefined where Java or Maven is missing. Rejects if they cannot be fetched. */
export async function kafkaInstallation(
  folder = join(homedir(), '.cache', 'inferometer', `kafka-${KAFKA_VERSION}`),
): Promise<KafkaInstallation | undefined> {
  const java = await findJava();
  if (java === undefined) return undefined;
  const jars = join(folder, 'libs');
  if (!existsSync(jars) && !(await fetchJars(folder, jars))) return undefined;
  return { java, classPath: join(jars, '*') };
}

async function findJava(): Promise<string | undefined> {
  const home = process.env['JAVA_HOME'];
  for (const java of [...(home ? [join(home, 'bin', 'java')] : []), 'java']) {
    const version = await run(java, ['-version']).then(
      ({ stderr }) => Number(/version "(\d+)/.exec(stderr)?.[1]),
      () => 0,
    );
    if (version >= OLDEST_JAVA) return java;
  }
  return undefined;
}

/** False where there is no Maven. Of several processes one fetches, the others wait for it. */
async function fetchJars(folder: string, jars: string): Promise<boolean> {
  if (
    !(await run('mvn', ['-v']).then(
      () => true,
      () => false,
    ))
  )
    return false;
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, 'fetch.lock');
  const deadline = Date.now() + FETCH_DEADLINE_MS;
  while (!takeLock(lock)) {
    if (Date.now() > deadline) throw new Error(`somebody has been fetching Kafka for too long; if nobody is, remove ${lock}`);
    await wait(250);
  }
  try {
    if (!existsSync(jars)) await copyDependencies(folder, jars);
    return true;
  } finally {
    rmSync(lock, { force: true });
  }
}

async function copyDependencies(folder: string, jars: string): Promise<void> {
  const pom = join(folder, 'pom.xml');
  const partial = `${jars}.${process.pid}`;
  writeFileSync(pom, POM);
  await run('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`], { timeout: FETCH_DEADLINE_MS });
  renameSync(partial, jars);
}

function takeLock(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    if (!isHeld(lock)) rmSync(lock, { force: true });
    return false;
  }
}

/** False if the process that took the lock is gone; while the lock is empty its holder is about to write into it. */
function isHeld(lock: string): boolean {
  try {
    const holder = readFileSync(lock, 'utf8');
    return holder === '' || process.kill(Number(holder), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
