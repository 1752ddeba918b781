/**
 * What a new system needs before its services can work; run by docker-compose.yml. Both steps may be run
 * again.
 *
 *   prepare   databases, topics, contracts, secrets and tenant files with this system's addresses
 *   apply     hands the tenant files to the console
 */
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { allTopics } from '@waybill/contracts';
import { connectAdmin } from '@waybill/stream';
import { tokenOf } from '@waybill/wialon-twin';
import { Client } from 'pg';

const env = (name: string): string => {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set`);
  return value;
};

const repository = new URL('../../', import.meta.url).pathname;
const shipped = join(repository, 'deploy/tenants');
const tenants = readdirSync(shipped);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Waits for a part that compose has started and that may not answer yet. */
async function until(what: string, attempt: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`${what} does not answer`, { cause: error });
      await delay(500);
    }
  }
}

function databaseUrl(name: string): string {
  const url = new URL(env('POSTGRES_URL'));
  url.pathname = `/${name}`;
  return url.href;
}

async function query(url: string, ...texts: string[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const text of texts) await client.query(text);
  } finally {
    await client.end();
  }
}

/** Creates the database and fills it; one that exists is left as it is. */
async function createDatabase(name: string, ...texts: string[]): Promise<void> {
  try {
    await query(env('POSTGRES_URL'), `create database "${name}"`);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === '42P04') return;
    throw error;
  }
  await query(databaseUrl(name), ...texts).catch(async (error: unknown) => {
    // Half filled it would be taken for complete by the next run.
    await query(env('POSTGRES_URL'), `drop database "${name}"`);
    throw error;
  });
  say(`database ${name} created`);
}

const erpDatabase = (tenant: string): string => `erp_${tenant.replaceAll('-', '_')}`;

async function createDatabases(): Promise<void> {
  await createDatabase('waybill');
  for (const tenant of tenants) {
    const files = ['schema.sql', 'seed.sql'].map((file) => join(shipped, tenant, 'erp', file));
    await createDatabase(erpDatabase(tenant), ...files.map((file) => readFileSync(file, 'utf8')));
  }
}

async function provisionTopics(): Promise<void> {
  const tell = (event: unknown): void => void process.stderr.write(`${JSON.stringify(event)}\n`);
  const admin = await connectAdmin({
    brokers: env('KAFKA_BROKERS').split(','),
    registryUrl: env('SCHEMA_REGISTRY_URL'),
    clientId: 'prepare',
    logger: { info: () => undefined, warn: tell, error: tell },
  });
  await admin.provision(allTopics, { task: 8, source: 4 });
  await admin.close();
  say(`${allTopics.length} topics and their contracts are there`);
}

/** A secret file that exists is kept: its webhook secret may be in use. */
function writeSecret(name: string, fields: Record<string, string>): void {
  const file = join(env('SECRETS_DIR'), `${name}.json`);
  try {
    writeFileSync(file, JSON.stringify(fields), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

function writeFiles(): void {
  mkdirSync(env('SECRETS_DIR'), { recursive: true, mode: 0o700 });
  writeSecret('platform', { url: databaseUrl('waybill') });
  cpSync(shipped, env('TENANTS_DIR'), { recursive: true });
  for (const tenant of tenants) {
    writeSecret(tenant, {
      wialon_token_1: tokenOf(tenant, 1),
      wialon_token_2: tokenOf(tenant, 2),
      erp_url: databaseUrl(erpDatabase(tenant)),
      webhook_k1: randomBytes(24).toString('hex'),
    });
    const file = join(env('TENANTS_DIR'), tenant, 'tenant.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replaceAll('http://127.0.0.1:8180', env('TWIN_URL')));
  }
}

async function prepare(): Promise<void> {
  await until('PostgreSQL', () => query(env('POSTGRES_URL'), 'select 1'));
  await until('the registry', async () => {
    const answer = await fetch(`${env('SCHEMA_REGISTRY_URL')}/subjects`);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
  });
  await createDatabases();
  await provisionTopics();
  writeFiles();
}

async function apply(): Promise<void> {
  for (const tenant of tenants) {
    const answer = await fetch(`${env('CONSOLE_URL')}/tenants/${tenant}/apply`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ dir: join(env('TENANTS_DIR'), tenant) }),
    });
    if (!answer.ok) throw new Error(`${tenant} was refused: ${await answer.text()}`);
    say(`${tenant} applied`);
  }
}

const step = process.argv[2];
if (step === 'prepare') await prepare();
else if (step === 'apply') await apply();
else throw new Error('usage: prepare.ts prepare|apply');
