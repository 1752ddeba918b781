import type { TlsOptions } from 'node:tls';
import { Fault } from '@waybill/fault';
import type { Admission } from './adapters/admission.ts';
import { followDevices } from './adapters/ips-devices.ts';
import { listenForIps, type IpsServer } from './adapters/ips-server.ts';
import { sourceSecrets } from './adapters/source-secrets.ts';
import { createIpsLoginCheck } from './check-ips-login.ts';
import type { Config } from './config.ts';
import { createIpsConversation } from './handle-ips.ts';
import type { Ports, Quarantine, RawLog, SourceDirectory } from './ports.ts';
import type { Throttle } from './throttle-requests.ts';

export type IpsConfig = Pick<
  Config,
  | 'INGEST_HTTP_HOST'
  | 'INGEST_IPS_PORT'
  | 'INGEST_IPS_TLS'
  | 'INGEST_IPS_CONNECTIONS_MAX'
  | 'INGEST_IPS_IDLE_S'
  | 'INGEST_SECRETS_MAX_AGE_MS'
>;

interface IpsListenerPorts extends Pick<
  Ports,
  'streams' | 'secrets' | 'metrics' | 'logger' | 'now'
> {
  readonly sources: SourceDirectory;
  readonly raw: RawLog;
  readonly quarantine: Quarantine;
  readonly throttle: Throttle;
  readonly admission: Admission;
}

/** The running listener. */
export interface IpsListener extends Pick<IpsServer, 'port' | 'secure' | 'close'> {
  /** Part of `/health`. */
  readonly health: () => Readonly<Record<string, unknown>>;
}

/**
 * Starts the Wialon IPS listener where INGEST_IPS_PORT is set. It listens when all described units are known,
 * so that no tracker is turned away for our start.
 */
export async function startIpsListener(
  config: IpsConfig,
  tls: TlsOptions | undefined,
  ports: IpsListenerPorts,
): Promise<IpsListener | undefined> {
  const { INGEST_IPS_PORT: port, INGEST_IPS_TLS: isSecure } = config;
  if (port === undefined) return undefined;
  if (isSecure && tls === undefined) {
    throw new Fault(
      'INGEST_IPS_TLS needs a certificate, and there is none; set INGEST_TLS_CERT_FILE and INGEST_TLS_KEY_FILE',
      { kind: 'misconfigured', code: 'CONFIG_INVALID', stage: 'start' },
    );
  }
  const { sources, metrics } = ports;
  const devices = await followDevices(ports.streams);
  const secretsOf = sourceSecrets(ports, config.INGEST_SECRETS_MAX_AGE_MS);
  const logins = createIpsLoginCheck({ sources, devices, secretsOf });
  let stopping = false;
  const server = await listenForIps({
    host: config.INGEST_HTTP_HOST,
    port,
    connectionsMax: config.INGEST_IPS_CONNECTIONS_MAX,
    idleMs: config.INGEST_IPS_IDLE_S * 1000,
    // Trackers have no certificates: nobody is asked for one.
    tls: isSecure ? { ...tls, requestCert: false } : undefined,
    metrics: metrics.ips,
    converse: (remoteAddress) =>
      createIpsConversation(remoteAddress, {
        ...ports,
        logins,
        metrics: metrics.ips,
        isStopping: () => stopping,
      }),
  });
  return {
    port: server.port,
    secure: server.secure,
    health: () => ({
      ips_port: server.port,
      ips_connections: server.connections(),
      ips_devices: devices.size(),
    }),
    close: async (deadlineMs) => {
      stopping = true;
      await server.close(deadlineMs);
      await devices.stop();
    },
  };
}
