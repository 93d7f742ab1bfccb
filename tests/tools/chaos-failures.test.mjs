// A chaos run takes a task's failure for sound only where a fault or a wish can have made it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failedForNoReason } from '../../tools/faults/chaos/failures.mjs';
import { NOW, soundWorld } from './invariants/sound-world.mjs';

/** What is said of the first task, whose training ran from 40 to 30 s ago and failed. */
function saidOf({ code = 'JOB_CRASHED', retryable = true, jobFails = true, faults = [], ...job }) {
  const world = soundWorld();
  const failure = { failureCode: code, failureMessage: 'a reason', failureIsRetryable: retryable };
  Object.assign(world.tasks[0], { status: 'FAILED', ...failure });
  Object.assign(world.jobs[0], { state: jobFails ? 'failed' : 'succeeded', ...job });
  world.faults.push(...faults.map(([ago, target]) => ({ at: NOW - ago, target })));
  return failedForNoReason(world).join('\n');
}

const NO_FAULT = /task_aaaaaaaa failed: \w+, a reason; no fault was made that can have failed job_task_aaaaaaaa/;

test('a sound world has no failures', () => assert.deepEqual(failedForNoReason(soundWorld()), []));

test('a job that crashed, and one without its store, because of a fault are no news', () => {
  assert.equal(saidOf({ faults: [[35_000, 'job of trainer']] }), '');
  assert.equal(saidOf({ code: 'STORAGE_UNAVAILABLE', faults: [[45_000, 's3']] }), '');
});

test('a failure is told that is retryable or a crash, where no fault can have touched its job', () => {
  assert.match(saidOf({}), NO_FAULT);
  assert.match(saidOf({ code: 'RESOURCE_EXHAUSTED' }), NO_FAULT);
  const others = ['worker', 'temporal', 'postgres', 'api', 'job of optimizer', 'evaluator'];
  assert.match(saidOf({ faults: others.map((target) => [35_000, target]) }), NO_FAULT);
  assert.match(saidOf({ faults: [[25_000, 'trainer']] }), NO_FAULT);
});

test('one kill does not excuse another attempt and the failure too; two do', () => {
  assert.match(saidOf({ attempt: 2, faults: [[35_000, 'trainer']] }), NO_FAULT);
  const two = [38_000, 33_000].map((ago) => [ago, 'trainer']);
  assert.equal(saidOf({ attempt: 2, faults: two }), '');
});

test('a failure that no fault makes is told, whatever was killed, and so is one of a task without a failed job', () => {
  const faults = [[35_000, 'trainer']];
  assert.match(saidOf({ code: 'INVALID_DATA', retryable: false, faults }), /failed: INVALID_DATA, a reason$/);
  assert.match(saidOf({ jobFails: false, faults }), /no job of it failed/);
});

test('a failure by its operator needs an operator', () => {
  const world = soundWorld();
  Object.assign(world.tasks[0], { status: 'FAILED', failureCode: 'FAILED_BY_OPERATOR', failureMessage: 'a reason' });
  assert.match(failedForNoReason(world).join('\n'), /nobody asked for it/);
  world.decisions.push({ taskId: 'task_aaaaaaaa', kind: 'fail', at: NOW - 35_000, facts: {} });
  assert.deepEqual(failedForNoReason(world), []);
});
