import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stopInOrder } from '../../tools/stack/stop-order.mjs';

const tiers = [['postgres', 's3'], ['temporal'], ['optimizer', 'trainer', 'worker', 'api']].map((names) =>
  names.map((name) => ({ name })),
);
const SIDE_BY_SIDE = new Set(['optimizer', 'trainer']);

/** What happens while they are stopped; stopping one of `faulty` fails. */
async function stopped(faulty = []) {
  const seen = [];
  const end = stopInOrder(tiers, SIDE_BY_SIDE, async ({ name }) => {
    seen.push(`${name} is told`);
    await new Promise((resolve) => setTimeout(resolve, name === 'trainer' ? 20 : 5));
    if (faulty.includes(name)) throw new Error(`no end of ${name}`);
    seen.push(`${name} is gone`);
  });
  const error = await end.then(
    () => null,
    (fault) => fault.message,
  );
  return { seen, error };
}

test('what started last is stopped first, and those that run jobs last of their tier and side by side', async () => {
  const { seen, error } = await stopped();
  assert.equal(error, null);
  assert.deepEqual(seen, [
    ...['api is told', 'api is gone', 'worker is told', 'worker is gone'],
    ...['optimizer is told', 'trainer is told', 'optimizer is gone', 'trainer is gone'],
    ...['temporal is told', 'temporal is gone', 's3 is told', 's3 is gone', 'postgres is told', 'postgres is gone'],
  ]);
});

test('one that cannot be stopped keeps no other running, nor cuts its time short', async () => {
  const { seen, error } = await stopped(['worker', 'optimizer', 'temporal']);
  assert.equal(error, 'no end of worker');
  const gone = seen.filter((line) => line.endsWith('gone'));
  assert.deepEqual(gone, ['api is gone', 'trainer is gone', 's3 is gone', 'postgres is gone']);
});
