// @ts-check
// Prisma's PostgreSQL adapter is written for queries. Migrations need four repairs: `"char"` and `name[]` columns of the system
// catalogue, scripts sent whole (the adapter splits on every `;`), one connection, and a shadow database that is another database.
import { randomUUID } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import { ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import { createDatabase, dropDatabase, migrationPool } from './engine-database.mjs';

/** PostgreSQL type ids. */
const OID = { char: 18, text: 25, charArray: 1002, textArray: 1009 };

/**
 * @typedef {Awaited<ReturnType<PrismaPg['connect']>>} Adapter
 * @typedef {{ fields?: { dataTypeID: number }[] }} Reply
 * @typedef {object} AdapterInternals the adapter's own members, not in its public types
 * @property {(query: unknown) => Promise<Reply>} performIO
 * @property {(error: unknown) => never} onError
 * @property {import('pg').Pool} client
 */

/**
 * @param {Adapter} adapter
 * @returns {Adapter} the same adapter, repaired
 */
function forMigrations(adapter) {
  const internals = /** @type {AdapterInternals} */ (/** @type {unknown} */ (adapter));
  const performIO = internals.performIO.bind(adapter);
  const queryRaw = adapter.queryRaw.bind(adapter);

  adapter.queryRaw = async (query) => {
    /** @type {number[]} */
    const charColumns = [];
    internals.performIO = async (statement) => {
      const reply = await performIO(statement);
      reply.fields?.forEach((field, index) => {
        if (field.dataTypeID === OID.char) {
          charColumns.push(index);
          field.dataTypeID = OID.text;
        } else if (field.dataTypeID === OID.charArray) field.dataTypeID = OID.textArray;
      });
      return reply;
    };
    try {
      const result = await queryRaw(query);
      for (const index of charColumns) result.columnTypes[index] = ColumnTypeEnum.Character;
      return result;
    } finally {
      internals.performIO = performIO;
    }
  };

  adapter.executeScript = async (script) => {
    await internals.client.query(script).catch((error) => internals.onError(error));
  };
  return adapter;
}

/** The adapter factory the schema engine migrates through. */
export class MigrationPg extends PrismaPg {
  #url;
  #shadowUrl;

  /** @param {{ url: string, shadowDatabaseUrl?: string }} datasource */
  constructor({ url, shadowDatabaseUrl }) {
    super(migrationPool(url));
    this.#url = url;
    this.#shadowUrl = shadowDatabaseUrl;
  }

  /** @override */
  async connect() {
    return forMigrations(await super.connect());
  }

  /** Connects to the given shadow database, or to one made for this call and dropped when the adapter is disposed. @override */
  async connectToShadowDb() {
    if (this.#shadowUrl) return forMigrations(await new PrismaPg(migrationPool(this.#shadowUrl)).connect());
    const name = `prisma_migrate_shadow_db_${randomUUID()}`;
    await createDatabase(this.#url, name);
    const adapter = forMigrations(await new PrismaPg(migrationPool(this.#url, name)).connect());
    const dispose = adapter.dispose.bind(adapter);
    adapter.dispose = async () => {
      await dispose();
      await dropDatabase(this.#url, name);
    };
    return adapter;
  }
}
