// `npm run bench:ml`: what runs with what, in turn, and what is told when a peer or its data cannot be had.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { keep, lastLine, measure, output, parseBenchArguments } from '../../tools/bench-ml/bench-ml.mjs';
import { measurements, median, PEERS } from '../../tools/bench-ml/measurements.mjs';
import { installPeerEnvironment } from '../../tools/setup/peer-environment.mjs';
import { UserError } from '../../tools/shared/errors.mjs';
import { recorder, script, temporaryFolder } from './support.mjs';

const planned = (folder, env = {}, quick = false) => measurements({ quick, cache: folder, scratch: folder, env });

test('every script it runs is there, and every peer has pinned requirements', (t) => {
  for (const { sides } of planned(temporaryFolder(t))) {
    for (const { command, before = [], peer } of sides) {
      for (const [name] of [command, ...before]) assert.ok(fs.existsSync(name), name);
      if (peer) assert.match(PEERS[peer][0], /==/);
    }
  }
});

test('what needs data says which folder lacks it, and is measured where the variable names one that has it', (t) => {
  const folder = temporaryFolder(t);
  const env = { WLOPS_BENCH_BANKING77: folder };
  const missing = () => planned(folder, env).filter((one) => one.missing);
  assert.deepEqual(
    missing().map(({ name }) => name),
    ['label-issues', 'label-noise', 'loop-banking77'],
  );
  assert.match(missing()[0].missing, new RegExp(`no train.csv and test.csv in ${folder}`));
  for (const name of ['train.csv', 'test.csv']) fs.writeFileSync(path.join(folder, name), 'text,label\n');
  assert.deepEqual(missing(), []);
});

test('the sides run in turn; a peer that cannot be installed or fails is told, a script of ours that fails is a failure', async () => {
  const calls = recorder();
  const side = (name, peer) => ({ name, peer, command: [`${name}.py`] });
  const outcomes = await measure(
    { rounds: 2, sides: [side('ours'), side('gone', 'datasketch'), side('broken', 'datatrove'), side('own')] },
    {
      pythonOf: async ({ name, peer }) => {
        if (name === 'gone') throw new UserError('installing gone failed\nlog');
        return peer ?? 'python';
      },
      execute: async (python, [name]) => {
        calls(python, name);
        if (name === 'broken.py' || name === 'own.py') throw new UserError(`${name} ended with 1`);
        return 'chatter\n{"rows":2}\n';
      },
    },
  );
  assert.deepEqual(calls.lines, ['python ours.py', 'datatrove broken.py', 'python own.py', 'python ours.py']);
  assert.deepEqual(outcomes, [
    { side: 'ours', lines: [{ rows: 2 }, { rows: 2 }] },
    { side: 'gone', notMeasured: 'installing gone failed' },
    { side: 'broken', lines: [], notMeasured: 'broken.py ended with 1' },
    { side: 'own', lines: [], failed: 'own.py ended with 1' },
  ]);
});

test('a measurement without its data runs nothing', async () => {
  const never = () => assert.fail('ran');
  const sides = [{ name: 'ours', command: ['x.py'] }];
  const outcomes = await measure({ rounds: 5, sides, missing: 'no data' }, { pythonOf: never, execute: never });
  assert.deepEqual(outcomes, [{ side: 'ours', notMeasured: 'no data' }]);
});

test('a script that fails is told with its log, which has what it wrote', async (t) => {
  const folder = temporaryFolder(t);
  const log = path.join(folder, 'log');
  const program = script(folder, 'program', 'echo progress >&2', 'echo "{\\"kept\\": 3}"', '[ "$1" = good ]');
  assert.equal(await output(program, ['good'], process.env, log), '{"kept": 3}\n');
  await assert.rejects(output(program, ['bad.py'], process.env, log), /bad.py ended with 1; see .*log/);
  await assert.rejects(output(path.join(folder, 'none'), ['x'], process.env, log), /ENOENT/);
  assert.equal(fs.readFileSync(log, 'utf8'), 'progress\nprogress\n');
  assert.throws(() => lastLine('no figures\n', 'x.py'), /x.py printed no line of JSON/);
});

test('medians, also of an even number', () => {
  assert.deepEqual([median([3, 1, 2]), median([4, 1, 2, 3]), median([7])], [2, 2.5, 7]);
});

test('figures of several rounds are medians, and rates follow the processor and the clock', (t) => {
  const { show } = planned(temporaryFolder(t)).find(({ name }) => name === 'dedup');
  const line = (cpuSeconds) => ({ rows: 100, kept: 90, seconds: 2 * cpuSeconds, cpuSeconds });
  const text = '50 rows per processor second, 25 by the clock; kept 90 of 100';
  assert.equal(show([line(1), line(2), line(9)]), text);
});

test('arguments that it does not know are refused', () => {
  assert.deepEqual(parseBenchArguments(['--only', 'dedup', '--quick', '--only', 'trainer']), {
    only: ['dedup', 'trainer'],
    quick: true,
  });
  assert.throws(() => parseBenchArguments(['--fast']), /does not know --fast/);
  assert.throws(() => parseBenchArguments(['--only']), UserError);
});

test('a result is kept with the machine and its load', (t) => {
  const folder = temporaryFolder(t);
  const file = keep(folder, 'dedup', { sides: [] });
  assert.match(path.basename(file), /^ml-dedup-.*\.json$/);
  const { machine, sides } = JSON.parse(fs.readFileSync(file, 'utf8'));
  assert.equal(machine.load.length, 3);
  assert.deepEqual(sides, []);
});

test('the environment of a peer is made once, and anew when it was not finished or its requirements change', async (t) => {
  const cache = temporaryFolder(t);
  const bin = path.join(cache, 'programs');
  const calls = path.join(cache, 'calls');
  const python = script(bin, 'python', `echo venv >> ${calls}`, '[ "$2" = venv ] && mkdir -p "$3/bin"');
  const refuse = path.join(cache, 'refuse');
  script(bin, 'uv', '[ "$1" = --version ] && echo "uv 0.9.1" && exit', `echo "$@" >> ${calls}`, `[ ! -e ${refuse} ]`);
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  const install = (requirements) =>
    installPeerEnvironment({
      ...{ cache, name: 'peer', requirements, python, env },
      ...{ logFile: path.join(cache, 'log'), onLine: () => undefined },
    });
  fs.writeFileSync(refuse, '');
  await assert.rejects(install(['peer==1']), /installing peer failed/);
  fs.rmSync(refuse);
  const made = await install(['peer==1']);
  assert.equal(await install(['peer==1']), made);
  assert.notEqual(await install(['peer==2']), made);
  const lines = fs.readFileSync(calls, 'utf8').trim().split('\n');
  assert.equal(lines.filter((line) => line === 'venv').length, 3);
  assert.ok(lines.at(-1)?.endsWith('peer==2'));
});
