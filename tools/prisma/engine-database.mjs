// @ts-check
// What the schema engine does to whole databases: connect, create, drop. Plain node-postgres, no Prisma.
import pg from 'pg';

/** Prisma's public error codes by SQLSTATE or socket error. */
const ERROR_CODES = new Map([
  ['3D000', 'P1003'],
  ['28P01', 'P1000'],
  ['28000', 'P1010'],
  ['ECONNREFUSED', 'P1001'],
  ['ENOTFOUND', 'P1001'],
  ['EHOSTUNREACH', 'P1001'],
]);

/**
 * The code Prisma prints for a database error; P1011 when it has none of its own.
 * @param {unknown} error
 */
export function prismaErrorCode(error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return ERROR_CODES.get(code) ?? 'P1011';
}

/** @param {string} url */
export const databaseName = (url) => decodeURIComponent(new URL(url).pathname.slice(1));

/**
 * The address without Prisma's own parameters (`schema`, `connection_limit`), which PostgreSQL would refuse.
 * @param {string} url
 * @param {string} [database] another database on the same server
 */
function plainUrl(url, database) {
  const address = new URL(url);
  address.search = '';
  if (database !== undefined) address.pathname = `/${encodeURIComponent(database)}`;
  return address.toString();
}

/**
 * @template T
 * @param {string} url
 * @param {(client: pg.Client) => Promise<T>} use
 */
async function withClient(url, use) {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** @param {string} url */
export const checkConnection = (url) => withClient(plainUrl(url), (client) => client.query('SELECT 1'));

/** @param {string} url @param {string} [name] */
export const createDatabase = (url, name = databaseName(url)) =>
  withClient(plainUrl(url, 'postgres'), (client) => client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`));

/** @param {string} url @param {string} [name] */
export const dropDatabase = (url, name = databaseName(url)) =>
  withClient(plainUrl(url, 'postgres'), (client) =>
    client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`),
  );

/**
 * Pool settings for migrations: one connection, since the advisory lock and the scripts must share it.
 * @param {string} url
 * @param {string} [database] another database on the same server
 * @returns {pg.PoolConfig}
 */
export function migrationPool(url, database = databaseName(url)) {
  const address = new URL(url);
  const sslMode = address.searchParams.get('sslmode') ?? 'disable';
  return {
    host: address.searchParams.get('host') ?? address.hostname,
    port: Number(address.port || 5432),
    user: decodeURIComponent(address.username),
    password: decodeURIComponent(address.password),
    database,
    max: 1,
    ssl: sslMode === 'disable' ? undefined : { rejectUnauthorized: sslMode.startsWith('verify') },
  };
}
