/** Settings of the Prisma CLI. The running programs do not read this file. */
import path from 'node:path';
import { defineConfig } from 'prisma/config';

process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= path.resolve('tools/prisma/schema-engine.mjs');
process.env.PRISMA_HIDE_UPDATE_MESSAGE ??= '1';

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  // `prisma generate` needs an address of the right form, not a server.
  datasource: { url: process.env.DATABASE_URL ?? 'postgresql://wlops@127.0.0.1:15432/wlops' },
});
