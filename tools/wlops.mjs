#!/usr/bin/env node
// @ts-check
// The one entry of WLOps' commands (`npm run …` calls it). Works in an empty clone: what runs before the installation uses Node's own
// modules only, the rest is imported when it is there.
import { endRunningCommands } from './shared/commands.mjs';
import { UserError } from './shared/errors.mjs';
import { checkMachine } from './setup/prerequisites.mjs';

const HELP = `node tools/wlops.mjs <command>

  setup            install npm packages, the Python environment and the servers; build
  start            set up, start the whole stack, stop it on Ctrl-C
  status [--json]  what runs
  stop             stop a stack that runs elsewhere
  retention        remove from the bucket of the running stack what nobody can reach [--dry-run] [--json]
  demo [--exit]    set up, start, run one STANDARD and one CONTINUOUS task
  test             set up, run every check and test
  bench            set up, start, measure
  bench:ml         set up, measure the Python services [--quick] [--only NAME]
  bench:recovery   set up, measure pause, cancel, recovery and long runs [--quick] [--only NAME]
  test:faults      set up, run the fault tests [jest arguments]
  chaos            set up, kill processes at random under load [--minutes N] [--seed N]
  check:invariants does all that a running stack holds agree? [--data-dir D] [--client-log F]
  faults           set up, start a stack with a proxy in every connection, stop it on Ctrl-C

Variables: WLOPS_DATA_DIR, WLOPS_PORT_OFFSET and others, see .env.example`;

// As for the programs it starts (see stack/components.mjs).
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/** @type {Promise<never> | undefined} */
let interruption;

/** A signal ends what the setup is running; what is half made is made anew by the next one. It may come twice: npm sends its own copy. */
function interrupted() {
  if (interruption) return;
  console.error('\nstopped during the setup; run the command again to go on');
  interruption = endRunningCommands().then(() => process.exit(name === 'start' ? 0 : 130));
}

/** @param {NodeJS.ProcessEnv} [env] @param {{ withDevTools?: boolean, withFaultTools?: boolean }} [extras] */
async function setUp(env = process.env, extras = {}) {
  for (const signal of SIGNALS) process.on(signal, interrupted);
  const setup = await import('./setup/setup.mjs');
  const installation = await setup.setUp({ env, ...extras });
  for (const signal of SIGNALS) process.removeListener(signal, interrupted);
  return installation;
}

/** @type {Record<string, (args: string[]) => Promise<number>>} */
const COMMANDS = {
  async setup() {
    const { python, servers } = await setUp();
    console.log(`ready to start. Python: ${python}`);
    for (const [name, server] of Object.entries(servers)) {
      console.log(`${name}: ${server.origin === 'address' ? server.address : `${server.file} (${server.origin})`}`);
    }
    return 0;
  },
  async start() {
    const installation = await setUp();
    const { start } = await import('./stack/start.mjs');
    await start({ env: process.env, installation });
    return 0;
  },
  async status(args) {
    const { status } = await import('./stack/status.mjs');
    return status({ env: process.env, json: args.includes('--json') });
  },
  async stop() {
    const { stop } = await import('./stack/stop.mjs');
    return stop(process.env);
  },
  async retention(args) {
    const { parseRetentionArguments, retention } = await import('./retention/retention.mjs');
    return retention({ env: process.env, ...parseRetentionArguments(args) });
  },
  async demo(args) {
    const { parseDemoArguments } = await import('./demo/arguments.mjs');
    const choices = parseDemoArguments(args);
    const installation = await setUp();
    const { demo } = await import('./demo/demo.mjs');
    return demo({ env: process.env, installation, choices });
  },
  async test(args) {
    const { withoutStack } = await import('./test/test-environment.mjs');
    const env = withoutStack(process.env);
    const installation = await setUp(env, { withDevTools: true, withFaultTools: true });
    const { runTests } = await import('./test/run-tests.mjs');
    return runTests({ env, installation, only: args });
  },
  async bench(args) {
    const installation = await setUp();
    const { bench } = await import('./bench.mjs');
    return bench({ env: process.env, installation, args });
  },
  async 'bench:ml'(args) {
    const { benchMl, parseBenchArguments } = await import('./bench-ml/bench-ml.mjs');
    parseBenchArguments(args);
    const installation = await setUp();
    return benchMl({ env: process.env, installation, args });
  },
  async 'bench:recovery'(args) {
    const { withoutStack } = await import('./test/test-environment.mjs');
    const { WLOPS_PORT_OFFSET } = process.env;
    const env = { ...withoutStack(process.env), WLOPS_PORT_OFFSET };
    const installation = await setUp(env, { withFaultTools: true });
    const { benchRecovery } = await import('./bench-recovery.mjs');
    return benchRecovery({ env, installation, args });
  },
  async faults() {
    const installation = await setUp(process.env, { withFaultTools: true });
    const { serveFaultCluster } = await import('./faults/serve.mjs');
    await serveFaultCluster({ env: process.env, installation });
    return 0;
  },
  async 'test:faults'(args) {
    const { withoutStack } = await import('./test/test-environment.mjs');
    const env = withoutStack(process.env);
    const installation = await setUp(env, { withFaultTools: true });
    const { runFaultTests } = await import('./faults/test-run.mjs');
    return runFaultTests({ env, installation, args });
  },
  async chaos(args) {
    const { chaos, parseChaosArguments } = await import('./faults/chaos/chaos.mjs');
    const choices = parseChaosArguments(args);
    const { withoutStack } = await import('./test/test-environment.mjs');
    const { WLOPS_PORT_OFFSET } = process.env;
    const env = { ...withoutStack(process.env), WLOPS_PORT_OFFSET };
    const installation = choices.planOnly ? undefined : await setUp(env, { withFaultTools: true });
    return chaos({ env, installation, choices });
  },
  async 'check:invariants'(args) {
    const installation = await setUp();
    const { checkInvariants, parseCheckArguments } = await import('./faults/invariants/check.mjs');
    const { python } = installation;
    return checkInvariants({ ...parseCheckArguments(args, process.env), python, env: process.env });
  },
};

const [name = 'help', ...args] = process.argv.slice(2);
const command = COMMANDS[name];
if (!command) {
  console.log(HELP);
  process.exit(name === 'help' || name === '--help' ? 0 : 2);
}
try {
  checkMachine();
  process.exit(await command(args));
} catch (error) {
  // What was ended has failed, of course.
  await interruption;
  // A fault of ours keeps its stack; a message for the person does not need one.
  console.error(error instanceof UserError ? `\n${error.message}` : error);
  process.exit(1);
}
