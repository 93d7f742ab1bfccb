#!/usr/bin/env node
// @ts-check
// Stand-in for Prisma's native schema engine, which the CLI would download: the same JSON-RPC over stdio, answered by the engine's
// WebAssembly build from npm. Lets every `prisma migrate …` command work without the download. See docs/decisions.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as engineBindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { MigrationPg } from './engine-adapter.mjs';
import { checkConnection, createDatabase, databaseName, dropDatabase, prismaErrorCode } from './engine-database.mjs';

const packageDirectory = path.dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'));
const NO_DATABASE = 'postgresql://none@127.0.0.1:1/none';

/**
 * @typedef {{ url?: string, shadowDatabaseUrl?: string }} Datasource
 * @typedef {{ id?: string | number, method?: string, params?: any }} Request
 */

/** @param {string[]} argv */
function parseArguments(argv) {
  /** @type {{ version: boolean, schemaFiles: string[], datasource: Datasource, commands: string[] }} */
  const parsed = { version: false, schemaFiles: [], datasource: {}, commands: [] };
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--version' || word === '-V') parsed.version = true;
    else if (word === '-d' || word === '--datamodels') parsed.schemaFiles.push(rest.shift() ?? '');
    else if (word === '--datasource') parsed.datasource = JSON.parse(rest.shift() ?? '{}');
    else if (word === '--enabled-preview-features' || word === '--extension-types') rest.shift();
    else parsed.commands.push(word);
  }
  return parsed;
}

/** The CLI reads log lines from standard error. @param {string} level @param {object} fields */
function log(level, fields) {
  const line = { timestamp: new Date().toISOString(), level, fields, target: 'schema_engine::logger' };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}

/** `schema-engine cli <command>`: one act on a whole database. @param {string | undefined} command @param {string} url */
async function runDatabaseCommand(command, url) {
  log('INFO', { message: 'Starting schema engine CLI' });
  try {
    if (command === 'can-connect-to-database') await checkConnection(url);
    else if (command === 'create-database') await createDatabase(url);
    else if (command === 'drop-database') {
      await dropDatabase(url);
      log('INFO', { message: 'The database was successfully dropped' });
    } else throw new Error(`unknown command: ${command}`);
    return 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    log('ERROR', { message, error_code: prismaErrorCode(error), is_panic: false });
    return 1;
  }
}

function loadEngine() {
  const panics = {
    set_message: (/** @type {string} */ message) => log('ERROR', { message, is_panic: true, backtrace: '' }),
  };
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: panics });
  const bindings = /** @type {any} */ (engineBindings);
  const module = new WebAssembly.Module(fs.readFileSync(path.join(packageDirectory, 'schema_engine_bg.wasm')));
  const instance = new WebAssembly.Instance(module, { './schema_engine_bg.js': bindings });
  bindings.__wbg_set_wasm(instance.exports);
  /** @type {any} */ (instance.exports).__wbindgen_start();
  return bindings.SchemaEngine;
}

/** @param {object} message */
const reply = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

/** Answers the CLI's requests, one at a time and in order, until its input ends. */
class EngineServer {
  #SchemaEngine = loadEngine();
  #url;
  #factory;
  /** @type {any} */
  #engine;
  #schemaFiles;

  /** @param {Datasource} datasource @param {string[]} schemaFiles */
  constructor(datasource, schemaFiles) {
    this.#url = datasource.url ?? NO_DATABASE;
    this.#schemaFiles = schemaFiles;
    this.#factory = bindMigrationAwareSqlAdapterFactory(
      new MigrationPg({ url: this.#url, shadowDatabaseUrl: datasource.shadowDatabaseUrl }),
    );
  }

  /** @param {string} method @param {any} params */
  async #call(method, params) {
    if (method === 'createDatabase') {
      await createDatabase(this.#url);
      return { databaseName: databaseName(this.#url) };
    }
    const datamodels = this.#schemaFiles.length
      ? this.#schemaFiles.map((file) => [file, fs.readFileSync(file, 'utf8')])
      : undefined;
    this.#engine ??= await this.#SchemaEngine.new({ datamodels }, () => {}, this.#factory);
    if (method === 'getDatabaseVersion') return this.#engine.version(params);
    const result = await this.#engine[method](params);
    if (method !== 'diff') return result ?? null;
    if (result.stdout) {
      reply({ id: 'print', method: 'print', params: { content: result.stdout.replace(/\n$/, '') } });
    }
    return { exitCode: result.exitCode };
  }

  /** @param {Request} request */
  async answer({ id, method, params }) {
    if (!method) return;
    try {
      reply({ id, result: await this.#call(method, params) });
    } catch (error) {
      const thrown = /** @type {any} */ (error);
      const registry = /** @type {any} */ (this.#factory).errorRegistry;
      const known = registry?.lookupError?.(thrown)?.error ?? thrown;
      const data = {
        is_panic: false,
        message: String(known.message ?? known),
        error_code: known.code ?? thrown.code ?? null,
        meta: known.meta ?? null,
      };
      reply({ id, error: { code: 4466, message: 'An error happened. Check the data field for details.', data } });
    }
  }
}

const { version, schemaFiles, datasource, commands } = parseArguments(process.argv.slice(2));
if (version) {
  const manifest = JSON.parse(fs.readFileSync(path.join(packageDirectory, 'package.json'), 'utf8'));
  console.log(`schema-engine-cli ${manifest.version}`);
} else if (commands[0] === 'cli') {
  process.exit(await runDatabaseCommand(commands[1], datasource.url ?? NO_DATABASE));
} else {
  const server = new EngineServer(datasource, schemaFiles);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    if (line.trim()) await server.answer(JSON.parse(line));
  }
  process.exit(0);
}
