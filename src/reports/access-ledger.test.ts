import { detailsOf, reportSource } from '../testing/report-source';
import type { EvaluateResult, OptimizeResult } from '../contracts/jobs';
import { accessLedger } from './access-ledger';

const at = (second: number) => new Date(Date.UTC(2030, 0, 1, 0, 1, second));

test('the split, each score and the final read stand in the order they happened, with rows and digest', () => {
  const { executions, decisions, ...rest } = reportSource([0.4, 0.9]);
  const { select, test } = detailsOf<OptimizeResult>({ executions, decisions, ...rest }, 0, 'optimization');
  const facts = { iteration: 1, reads: 2, testSha256: 'f'.repeat(64) };
  const read = { seq: 9, iteration: 1, kind: 'read-test', facts, actor: 'workflow', decidedAt: at(30) };
  const ledger = accessLedger(executions, [...decisions, read]);
  const selectRows = { role: 'select', rows: select.rows, sha256: select.sha256 };
  const scored = { ...selectRows, purpose: 'score', actor: 'evaluator', reads: 1, at: '2030-01-01T00:00:00.000Z' };
  const written = { purpose: 'split', actor: 'optimizer', iteration: 0, reads: 0, at: '2030-01-01T00:00:12.500Z' };
  expect(ledger).toEqual([
    { ...scored, iteration: 0 },
    { ...scored, iteration: 1 },
    { ...written, ...selectRows },
    { ...written, role: 'test', rows: test?.rows, sha256: test?.sha256 },
    {
      ...{ role: 'test', purpose: 'final', iteration: 1, at: '2030-01-01T00:01:30.000Z', actor: 'evaluator' },
      ...{ rows: test?.rows, sha256: 'f'.repeat(64), reads: 2 },
    },
  ]);
});

test('where rewordings of sealed rows were looked for, select was read beside them', () => {
  const { executions, decisions } = reportSource([0.4]);
  const finals = (paraphrases: number | null) => {
    const facts = { iteration: 0, reads: 1, contamination: { paraphrases } };
    const read = { seq: 9, iteration: 0, kind: 'read-test', facts, actor: 'workflow', decidedAt: at(30) };
    return accessLedger(executions, [...decisions, read])
      .filter(({ purpose }) => purpose === 'final')
      .map(({ role, reads, rows }) => ({ role, reads, rows }));
  };
  const sealed = { role: 'test', reads: 1, rows: 30 };
  expect(finals(null)).toEqual([sealed]);
  expect(finals(0)).toEqual([sealed, { role: 'select', reads: 1, rows: 20 }]);
});

test('an evaluation that failed or was begun anew may have read the rows, and counts', () => {
  const { executions } = reportSource([0.4]);
  const evaluation = executions.find(({ phase }) => phase === 'evaluation')!;
  const failed = { ...evaluation, status: 'failed', details: null, startedAt: at(1) };
  const again = { ...evaluation, segment: 1, startedAt: at(2) };
  const scores = accessLedger([...executions.slice(0, 2), failed, again], []).filter(
    ({ purpose }) => purpose === 'score',
  );
  expect(scores.map((one) => one.at)).toEqual([at(1).toISOString(), at(2).toISOString()]);
});

test('a job that the service began again after a crash may have read the rows each time', () => {
  const source = reportSource([0.4, 0.9]);
  detailsOf<EvaluateResult>(source, 1, 'evaluation').attempts = 3;
  const scores = accessLedger(source.executions, []).filter(({ purpose }) => purpose === 'score');
  expect(scores.map(({ iteration, reads }) => [iteration, reads])).toEqual([
    [0, 1],
    [1, 3],
  ]);
});

test('of a task that has just begun nothing was touched', () => {
  expect(accessLedger([], [])).toEqual([]);
});
