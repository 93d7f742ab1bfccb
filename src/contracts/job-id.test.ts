import { jobId } from './job-id';
import { jobKey } from './job-key';

test('the id of a key is the one the Python services compute', () => {
  const key = jobKey({ taskId: 'task_0190', iteration: 3, phase: 'training', segment: 1 });
  expect(key).toBe('task_0190/3/training/1');
  expect(jobId(key)).toBe('job_cc7ac12be76f0872336e4fe89d385a2e');
});
