/**
 * Who touched the rows that decide scores, and when: the split that wrote them, each evaluation on `select`, and the read of the
 * sealed test. Pure, from executions and decisions; a job counts from its start, whether it finished or not.
 */
import type { OptimizeResult, RowsRef } from '../contracts/jobs';
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
      .map((row) => ({ ...entry('select', 'score', row.iteration, row.startedAt, roles?.select), reads: 1 })),
    ...decisions.filter(({ kind }) => kind === 'read-test').map((one) => finalRead(one, roles?.test ?? null)),
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

function finalRead({ facts, iteration, decidedAt }: DecisionRowFacts, test: RowsRef | null): AccessLedgerEntry {
  const { iteration: champion, reads, testSha256 } = (facts ?? {}) as Record<string, unknown>;
  return {
    ...entry('test', 'final', typeof champion === 'number' ? champion : iteration, decidedAt, test),
    ...(typeof testSha256 === 'string' && { sha256: testSha256 }),
    reads: typeof reads === 'number' ? reads : 1,
  };
}
