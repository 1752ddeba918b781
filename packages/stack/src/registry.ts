import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Jdk } from './jdk.ts';
import type { SupervisedCommand } from './supervision.ts';

export interface RegistrySettings {
  readonly jdk: Jdk;
  /** Folder of the unpacked distribution. */
  readonly home: string;
  readonly dir: string;
  readonly port: number;
  readonly managementPort: number;
  readonly fast: boolean;
  /** Where schemas live; undefined = in memory, lost on stop. */
  readonly store:
    | {
        readonly port: number;
        readonly database: string;
        readonly user: string;
        readonly password: string;
      }
    | undefined;
}

/** Says how to start Apicurio Registry. */
export async function prepareRegistry(settings: RegistrySettings): Promise<SupervisedCommand> {
  await mkdir(settings.dir, { recursive: true });
  const { store } = settings;
  const options: Record<string, string | number | boolean> = {
    'quarkus.http.host': '127.0.0.1',
    'quarkus.http.port': settings.port,
    'quarkus.management.host': '127.0.0.1',
    // Default 9000 is everybody's.
    'quarkus.management.port': settings.managementPort,
    // Default 20–100 connections; one client at a time talks to a local registry.
    'apicurio.datasource.jdbc.initial-size': 2,
    'apicurio.datasource.jdbc.min-size': 2,
    'apicurio.datasource.jdbc.max-size': 10,
    // Without a global rule the registry answers NONE for a subject that exists, and the client of
    // kafkajs, which expects BACKWARD, refuses to register.
    'apicurio.rules.global.compatibility': 'BACKWARD',
    'apicurio.rest.artifact.deletion.enabled': true,
    'quarkus.log.level': 'WARN',
    'quarkus.banner.enabled': false,
    // Only to recognise the process.
    'waybill.dir': settings.dir,
  };
  if (store !== undefined) {
    options['apicurio.storage.kind'] = 'sql';
    options['apicurio.storage.sql.kind'] = 'postgresql';
    options['apicurio.datasource.url'] =
      `jdbc:postgresql://127.0.0.1:${store.port}/${store.database}`;
    options['apicurio.datasource.username'] = store.user;
  }
  const tuning = settings.fast ? ['-XX:TieredStopAtLevel=1'] : [];
  return {
    name: 'registry',
    program: settings.jdk.java,
    args: [
      '-Xmx192m',
      '-XX:+UseSerialGC',
      ...tuning,
      ...Object.entries(options).map(([key, value]) => `-D${key}=${value}`),
      '-jar',
      join(settings.home, 'quarkus-run.jar'),
    ],
    cwd: settings.dir,
    // By the environment, not as an argument that every user of the machine can list.
    env: store === undefined ? {} : { APICURIO_DATASOURCE_PASSWORD: store.password },
    logFile: join(settings.dir, 'registry.log'),
    stopSignal: 'SIGTERM',
    stopTurn: 0,
  };
}

/** Base address of the Confluent-compatible API. */
export function registryUrl(port: number): string {
  return `http://127.0.0.1:${port}/apis/ccompat/v7`;
}

/** True when the API that our clients use answers. */
export async function registryAnswers(port: number): Promise<boolean> {
  const answer = await fetch(`${registryUrl(port)}/subjects`, {
    signal: AbortSignal.timeout(5_000),
  }).catch(() => undefined);
  await answer?.arrayBuffer().catch(() => undefined);
  return answer?.ok === true;
}
