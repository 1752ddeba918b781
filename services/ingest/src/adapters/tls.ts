import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import {
  TLSSocket,
  createSecureContext,
  type SecureContextOptions,
  type Server,
  type TlsOptions,
} from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { Fault } from '@waybill/fault';
import type { Config } from '../config.ts';
import type { Logger } from '../ports.ts';
import type { ClientCertificate } from './http-server.ts';

export type TlsConfig = Pick<
  Config,
  'INGEST_TLS_CERT_FILE' | 'INGEST_TLS_KEY_FILE' | 'INGEST_TLS_CLIENT_CA_FILE'
>;

/** Where the listener's certificate stands; PEM. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** Authority of client certificates that are known by their subject. */
  readonly clientAuthority: string | undefined;
}

/** The files of the configuration; undefined = no TLS. Throws Fault `misconfigured` when half is missing. */
export function tlsFiles(config: TlsConfig): TlsFiles | undefined {
  const {
    INGEST_TLS_CERT_FILE: certificate,
    INGEST_TLS_KEY_FILE: key,
    INGEST_TLS_CLIENT_CA_FILE: clientAuthority,
  } = config;
  if (certificate === undefined && key === undefined && clientAuthority === undefined) {
    return undefined;
  }
  if (certificate !== undefined && key !== undefined) return { certificate, key, clientAuthority };
  throw new Fault(
    'TLS needs INGEST_TLS_CERT_FILE and INGEST_TLS_KEY_FILE, and one is not set; set both or none',
    { kind: 'misconfigured', code: 'CONFIG_INVALID', stage: 'start' },
  );
}

/**
 * Reads the files. Throws Fault `misconfigured` / `TLS_INVALID` when one cannot be read or certificate and
 * key do not belong together.
 */
export async function readTls(files: TlsFiles): Promise<TlsOptions> {
  const { certificate, key, clientAuthority } = files;
  try {
    const material: SecureContextOptions = {
      cert: await readFile(certificate),
      key: await readFile(key),
      minVersion: 'TLSv1.2',
      ...(clientAuthority === undefined ? {} : { ca: await readFile(clientAuthority) }),
    };
    createSecureContext(material);
    // Sources decide whether they demand a certificate, so everybody is asked and nobody turned away here.
    return { ...material, honorCipherOrder: true, requestCert: true, rejectUnauthorized: false };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Fault(
      `the TLS certificate ${certificate} with its key cannot be used (${why}); INGEST_TLS_CERT_FILE and INGEST_TLS_KEY_FILE must be PEM files that belong together`,
      { kind: 'misconfigured', code: 'TLS_INVALID', stage: 'start', category: 'authentication' },
    );
  }
}

/**
 * Looks at the files every `intervalMs` and gives changed ones to new connections; open ones go on. Files
 * that cannot be used leave the last good ones in force. Returns what stops it.
 */
export function followTls(
  servers: readonly Pick<Server, 'setSecureContext'>[],
  files: TlsFiles,
  options: { readonly intervalMs: number; readonly inForce: TlsOptions; readonly logger: Logger },
): () => void {
  const { logger } = options;
  let inForce = options.inForce;
  let looking = false;
  const look = async (): Promise<void> => {
    try {
      const read = await readTls(files);
      if (isDeepStrictEqual(read, inForce)) return;
      for (const server of servers) server.setSecureContext(read);
      inForce = read;
      logger.info({}, 'tls.reloaded');
    } catch (error) {
      logger.error({ err: error }, 'tls.reload_failed');
    }
  };
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void look().finally(() => (looking = false));
  }, options.intervalMs).unref();
  return () => clearInterval(timer);
}

/** Parsed once per connection: one carries many requests. */
const certificates = new WeakMap<Socket, ClientCertificate>();

/** The certificate that the client of a connection showed; TLS has checked that it holds the key. */
export function clientCertificateOf(socket: Socket): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const known = certificates.get(socket);
  if (known !== undefined) return known;
  const shown = socket.getPeerX509Certificate();
  if (shown === undefined) return undefined;
  const certificate: ClientCertificate = {
    fingerprint: shown.fingerprint256,
    subject: shown.subject.split('\n').join(','),
    isTrusted: socket.authorized,
  };
  certificates.set(socket, certificate);
  return certificate;
}
