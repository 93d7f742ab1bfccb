// @ts-check
// The checker without a set-up before it, for tests that run on an installation: `node run.mjs <data dir> <python> [client log]`.
import { checkInvariants } from './check.mjs';

const [dataDir = '', python = '', clientLog] = process.argv.slice(2);
process.exitCode = await checkInvariants({ dataDir, python, clientLog, env: process.env });
