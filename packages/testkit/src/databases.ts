import { Client } from 'pg';

const DUPLICATE_DATABASE = '42P04';

/** Databases that a test created on a server, to be dropped with it. */
export interface Databases {
  readonly url: (name: string) => string;
  /** Creates the database unless it exists; resolves with its URL. */
  readonly create: (name: string) => Promise<string>;
  /** Drops what `create` created, whoever is still connected. */
  readonly drop: () => Promise<void>;
}

/** Keeps account of databases on the server at `adminUrl`; connects only while it works. */
export function databasesOn(adminUrl: string): Databases {
  const created: string[] = [];
  const url = (name: string): string => {
    const address = new URL(adminUrl);
    address.pathname = `/${name}`;
    return address.href;
  };
  const asAdmin = async (work: (client: Client) => Promise<void>): Promise<void> => {
    const client = new Client({ connectionString: adminUrl });
    await client.connect();
    try {
      await work(client);
    } finally {
      await client.end();
    }
  };
  return {
    url,
    create: async (name) => {
      await asAdmin(async (client) => {
        try {
          await client.query(`create database ${client.escapeIdentifier(name)}`);
          created.push(name);
        } catch (error) {
          const exists =
            error instanceof Error && 'code' in error && error.code === DUPLICATE_DATABASE;
          if (!exists) throw error;
        }
      });
      return url(name);
    },
    drop: () =>
      asAdmin(async (client) => {
        for (const name of created.splice(0)) {
          await client.query(`drop database ${client.escapeIdentifier(name)} with (force)`);
        }
      }),
  };
}
