// The checker gives retention the time that retention takes: what it calls too old is what retention should have taken.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { PARTS, retentionBounds } from '../../tools/faults/invariants/retention-bounds.mjs';
import { ROOT } from '../../tools/shared/paths.mjs';

const HOUR_MS = 3_600_000;
const LATE_MS = 900_000;

/** A constant of a source, such as `24 * 3_600_000`. */
function constantOf(file, name) {
  const [, value = ''] =
    new RegExp(`const ${name} = ([\\d_ *]+);`).exec(fs.readFileSync(path.join(ROOT, file), 'utf8')) ?? [];
  return value
    .replaceAll('_', '')
    .split('*')
    .map(Number)
    .reduce((product, factor) => product * factor);
}

test('by default: a day and an hour for what has no row, an hour more than an hour for parts of services', () => {
  const late = (hours) => hours * HOUR_MS + LATE_MS;
  assert.deepEqual(retentionBounds({ WLOPS_RETENTION: '' }), {
    ...{ objectMs: late(25), uploadMs: late(25), partsMs: late(2), partsOfRunningMs: late(25) },
  });
});

test('they follow the settings of retention, and nothing is too old for one that is off', () => {
  const quick = retentionBounds({ WLOPS_RETENTION_EVERY_SECONDS: '60', WLOPS_RETENTION_GRACE_HOURS: '0.5' });
  assert.deepEqual([quick.objectMs, quick.partsMs], [1_800_000 + 60_000 + LATE_MS, HOUR_MS + 60_000 + LATE_MS]);
  const off = retentionBounds({ WLOPS_RETENTION: 'off' });
  assert.deepEqual([off.objectMs, off.partsMs, off.partsOfRunningMs], [Infinity, Infinity, Infinity]);
  assert.equal(off.uploadMs, 25 * HOUR_MS + LATE_MS, 'the API sweeps all the same');
});

test('what is no setting is as the sources have it', () => {
  const sweeper = 'src/services/datasets/upload-sweeper.ts';
  assert.deepEqual(PARTS, {
    ofServicesMs: constantOf('activities/maintenance/collect-garbage.ts', 'OPEN_UPLOAD_MS'),
    ofUsersMs: constantOf(sweeper, 'STALE_UPLOAD_MS'),
    sweptEveryMs: constantOf(sweeper, 'SWEEP_EVERY_MS'),
  });
});
