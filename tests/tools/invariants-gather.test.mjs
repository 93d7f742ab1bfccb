// What the checker gathers is complete: every page of open uploads, and runs that Temporal's visibility has not heard of yet.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorkflowNotFoundError } from '@temporalio/client';
import { openUploadsIn, runsOf } from '../../tools/faults/invariants/gather.mjs';

test('open uploads are read page after page, also of one key', async () => {
  const pages = [
    { Uploads: [{ Key: 'a' }], IsTruncated: true, NextKeyMarker: 'a', NextUploadIdMarker: '1' },
    { Uploads: [{ Key: 'a' }], IsTruncated: true, NextKeyMarker: 'a', NextUploadIdMarker: '2' },
    { Uploads: [{ Key: 'b', Initiated: new Date(5) }], IsTruncated: false },
  ];
  const asked = [];
  const client = {
    send: async ({ input }) => {
      asked.push([input.Bucket, input.KeyMarker, input.UploadIdMarker]);
      return pages.shift();
    },
  };
  const found = await openUploadsIn(client, 'wlops');
  assert.deepEqual(
    found.map(({ key, startedAt }) => [key, startedAt]),
    [
      ['a', 0],
      ['a', 0],
      ['b', 5],
    ],
  );
  assert.deepEqual(asked, [
    ['wlops', undefined, undefined],
    ['wlops', 'a', '1'],
    ['wlops', 'a', '2'],
  ]);
});

/** A Temporal whose visibility lists `listed`, and whose runs are `runs`: by workflow, the latest last. */
function temporal(listed, runs) {
  return {
    async *list() {
      yield* listed;
    },
    getHandle: (workflowId, runId = runs[workflowId]?.at(-1)) => ({
      describe: async () => {
        if (!runs[workflowId]) throw new WorkflowNotFoundError('not found', workflowId, undefined);
        const raw = { workflowExecutionInfo: { historySizeBytes: 7 } };
        return { runId, raw, historyLength: 3 };
      },
    }),
  };
}

test('the latest run of a task is there though visibility does not list it, and none is there twice', async () => {
  const listed = [
    { workflowId: 'wlops-task-task_a', runId: 'a1' },
    { workflowId: 'wlops-task-task_b', runId: 'b1' },
  ];
  const known = temporal(listed, {
    'wlops-task-task_a': ['a1', 'a2'],
    'wlops-task-task_b': ['b1'],
    'wlops-task-task_c': ['c1'],
  });
  const runs = await runsOf(known, ['task_a', 'task_b', 'task_c', 'task_gone']);
  assert.deepEqual(runs.map(({ runId }) => runId).sort(), ['a1', 'a2', 'b1', 'c1']);
  assert.deepEqual(runs[0], { workflowId: 'wlops-task-task_a', runId: 'a1', events: 3, bytes: 7 });
});

test('a Temporal that does not answer is no empty answer', async () => {
  const broken = { ...temporal([], {}), getHandle: () => ({ describe: () => Promise.reject(new Error('away')) }) };
  await assert.rejects(runsOf(broken, ['task_a']), /away/);
});
