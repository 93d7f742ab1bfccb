// @ts-check
// Loaded into the Node processes of the fault tests' cluster with NODE_OPTIONS: the wall clock of the API and of the worker goes by as many milliseconds
// beside the machine's as <data dir>/clocks.json says for it, and jumps when the file is written. What measures time (performance.now,
// timers) stays whole, as on a machine whose clock is set. Not shifted: the native part of Temporal's SDK, and every other process.
const fs = require('node:fs');
const path = require('node:path');

const [, name] = /main-(api|worker)\.js$/.exec(process.argv[1] ?? '') ?? [];
/** A jump is seen after this long at the latest. */
const READ_EVERY_MS = 50;

function shiftDate() {
  const file = path.join(process.env.WLOPS_DATA_DIR ?? '', 'clocks.json');
  const Real = Date;
  const realNow = Date.now;
  let readAt = -Infinity;
  let offsetMs = 0;
  const now = () => {
    if (performance.now() - readAt > READ_EVERY_MS) {
      readAt = performance.now();
      offsetMs = fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8'))[name] ?? 0) : 0;
    }
    return realNow() + offsetMs;
  };
  Real.now = now;
  globalThis.Date = new Proxy(Real, {
    construct: (target, args, made) => Reflect.construct(target, args.length ? args : [now()], made),
    apply: (target) => new target(now()).toString(),
  });
  Real.prototype.constructor = globalThis.Date;
}

if (name) shiftDate();
