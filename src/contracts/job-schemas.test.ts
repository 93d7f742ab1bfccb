import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  evaluateResult,
  optimizeResult,
  parseJobStatus,
  parseResult,
  parseServiceError,
  trainResult,
  UnreadableReply,
} from './job-schemas';

const example = (name: string): unknown =>
  JSON.parse(readFileSync(path.join(__dirname, 'examples', `${name}.json`), 'utf8'));

test.each([
  ['optimize-result', optimizeResult],
  ['train-result', trainResult],
  ['evaluate-result', evaluateResult],
])('the golden %s, which Python parses too, is read whole: no field is refused or dropped', (name, schema) => {
  expect(parseResult<unknown>(schema, example(name))).toEqual(example(name));
});

test('the golden job status is read whole', () => {
  expect(parseJobStatus(example('job-status'))).toEqual(example('job-status'));
});

test('a field this worker does not know is dropped, so that a service may be newer', () => {
  const newer = { ...(example('train-result') as object), energyJoules: 5 };
  expect(parseResult(trainResult, newer)).toEqual(example('train-result'));
});

test('an evaluation that was stored before there were error rates is read as one without', () => {
  const { errorRates: _later, ...older } = example('evaluate-result') as Record<string, unknown>;
  expect(parseResult(evaluateResult, older)).toEqual({ ...older, errorRates: [] });
});

test('an optimization stored before its seconds were measured is read, without them', () => {
  const { seconds: _gone, ...older } = example('optimize-result') as Record<string, unknown>;
  expect(parseResult(optimizeResult, older)).toEqual({ ...older, seconds: null });
});

test('a status by a version that kept no restarts is read, without them', () => {
  const { restarts: _gone, ...older } = example('job-status') as Record<string, unknown>;
  expect(parseJobStatus(older)).toEqual({ ...older, result: null });
  const newer = { ...older, restarts: [{ cause: 'a reason of a later version' }] };
  expect(parseJobStatus(newer)).toEqual({ ...older, result: null });
});

const OPTIONAL = ['result', 'restarts'];

test.each(Object.keys(example('job-status') as object).filter((name) => !OPTIONAL.includes(name)))(
  'a status without %s is refused and the field is named',
  (name) => {
    const { [name]: _gone, ...rest } = example('job-status') as Record<string, unknown>;
    expect(() => parseJobStatus(rest)).toThrow(UnreadableReply);
    expect(() => parseJobStatus(rest)).toThrow(new RegExp(name));
  },
);

test.each([
  'http://example.org/model',
  '/etc/passwd',
  'models/../../secret',
  'models//x',
  's3:models/x',
  '',
  'models/x\n',
  '.hidden',
])('the key %j is not taken', (key) => {
  const result = example('train-result') as { model: object };
  expect(() => parseResult(trainResult, { ...result, model: { ...result.model, key } })).toThrow(UnreadableReply);
});

test('an error answer is read; anything else is none', () => {
  const error = { code: 'QUEUE_FULL', message: 'later', requestId: 'r' };
  expect(parseServiceError({ error })).toEqual({ code: 'QUEUE_FULL', message: 'later', details: null });
  for (const other of [null, 'x', { detail: 'Not Found' }, { error: 'x' }]) expect(parseServiceError(other)).toBeNull();
});
