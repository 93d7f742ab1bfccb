/**
 * Who touched the rows that decide scores, and when: the split that wrote them, each evaluation on `select`, and the read of the
 * sealed test. Pure, from executions and decisions; each start of a job counts, whether it came to read anything or not.
 */
import type { Contamination, EvaluateResult, OptimizeResult, RowsRef } from '../contracts/jobs';
import type { AccessLedgerEntry, DecisionRowFacts, ExecutionRowFacts } from './report';

export function accessLedger(
  executions: readonly ExecutionRowFacts[],
  decisions: readonly DecisionRowFacts[],
): AccessLedgerEntry[] {
  const split = executions.find((row) => row.phase === 'optimization' && row.status === 'completed' && row.details);
  const roles = (split?.details ?? null) as OptimizeResult | null;
  const entries = [
    ...(split && roles ? written(split, roles) : []),
    ...executions
      .filter((row) => row.phase === 'evaluation')
      .map((row) => ({
        ...entry('select', 'score', row.iteration, row.startedAt, roles?.select),
        reads: (row.details as EvaluateResult | null)?.attempts ?? 1,
      })),
    ...decisions.filter(({ kind }) => kind === 'read-test').flatMap((one) => finalReads(one, roles)),
  ];
  return entries.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

function entry(
  role: AccessLedgerEntry['role'],
  purpose: AccessLedgerEntry['purpose'],
  iteration: number,
  at: Date,
  rows: RowsRef | null | undefined,
): AccessLedgerEntry {
  const actor = purpose === 'split' ? 'optimizer' : 'evaluator';
  const { rows: count = null, sha256 = null } = rows ?? {};
  return { role, purpose, iteration, at: at.toISOString(), rows: count, sha256, actor, reads: 0 };
}

function written(row: ExecutionRowFacts, { select, test }: OptimizeResult): AccessLedgerEntry[] {
  const at = row.completedAt ?? row.startedAt;
  const entries = [entry('select', 'split', row.iteration, at, select)];
  return test ? [...entries, entry('test', 'split', row.iteration, at, test)] : entries;
}

/** The read of the sealed rows; where rewordings were looked for, `select` was read beside them, to see how often chance makes some. */
function finalReads(
  { facts, iteration, decidedAt }: DecisionRowFacts,
  roles: OptimizeResult | null,
): AccessLedgerEntry[] {
  const { iteration: champion, reads: told, testSha256, contamination } = (facts ?? {}) as Record<string, unknown>;
  const { paraphrases = null } = (contamination ?? {}) as Partial<Contamination>;
  const of = typeof champion === 'number' ? champion : iteration;
  const reads = typeof told === 'number' ? told : 1;
  const sealed = {
    ...entry('test', 'final', of, decidedAt, roles?.test),
    ...(typeof testSha256 === 'string' && { sha256: testSha256 }),
    reads,
  };
  return paraphrases === null
    ? [sealed]
    : [sealed, { ...entry('select', 'final', of, decidedAt, roles?.select), reads }];
}
