/**
 * The ledger in sentences. What a decision was made on is JSON of the workflow that made it, perhaps of an older version: what is not
 * as expected is left out, and null says that there is no sentence for it. Plain text; the page escapes it.
 */
import { count, counted, interval, probability, score, signed } from './numbers';
import type { ReportDecision } from './report';

type Facts = Record<string, unknown>;

const record = (value: unknown): Facts => (typeof value === 'object' && value !== null ? (value as Facts) : {});
const text = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
const join = (parts: readonly (string | null)[], between = '; '): string => parts.filter(Boolean).join(between);

const WORDS: Record<string, (facts: Facts) => string | null> = {
  promote: verdict,
  keep: verdict,
  continue: ({ score: latest, championIteration, stopConditions }) =>
    `No rule ended the loop. Score ${score(latest)}, champion of iteration ${count(championIteration)}. ${limits(record(stopConditions))}`,
  stop: stopWords,
  'read-test': ({ score: value, low, high, samples, reads, iteration, contamination }) => {
    const { excluded, byChance } = record(contamination);
    const times = reads === 1 ? 'once' : `${count(reads)} times`;
    const result = `${score(value)} (${interval(low, high)}) on ${count(samples)} rows`;
    return join([
      `The sealed test was read ${times}, with the model of iteration ${count(iteration)}: ${result}`,
      typeof excluded === 'number' && excluded > 0
        ? `${counted(excluded, 'row')} counted as wrong, found among the training rows`
        : null,
      typeof byChance === 'number' && byChance > 0
        ? `${counted(byChance, 'row')} told in other words as by chance`
        : null,
    ]);
  },
  'edit-stop-conditions': edited,
  'edit-hyperparameters': edited,
  pause: asked,
  resume: asked,
  cancel: asked,
  fail: asked,
  reconcile: ({ workflow, reason, status }) =>
    join([
      `The workflow had ended without this task, which was ${text(status)}: ${text(workflow)}`,
      typeof reason === 'string' ? `reason: ${reason}` : null,
    ]),
};

function edited({ before, after }: Facts): string {
  const [then, now] = [record(before), record(after)];
  const changed = Object.keys(now).filter((name) => JSON.stringify(now[name]) !== JSON.stringify(then[name]));
  return (
    changed.map((name) => `${name}: ${text(then[name] ?? null)} → ${text(now[name])}`).join('; ') || 'Nothing changed'
  );
}

function asked({ reason, status }: Facts): string | null {
  return join([typeof reason === 'string' ? `Reason: ${reason}` : null, status ? `was ${text(status)}` : null]) || null;
}

/** A sentence for a decision, or null where only its JSON can speak. */
export function decisionWords({ kind, facts }: Pick<ReportDecision, 'kind' | 'facts'>): string | null {
  return Object.hasOwn(WORDS, kind) ? (WORDS[kind]?.(record(facts)) ?? null) : null;
}

const REASONS: Record<string, string> = {
  first: 'The first model',
  better: 'Better than the champion',
  'not-better': 'Not better than the champion',
  regression: 'Better as a whole, but worse on a guarded slice',
  calibration: 'The gain may be chance, and its confidences mean less',
};

function verdict({ reason, rule, challenger, champion, comparison, sameRows, metric }: Facts): string | null {
  const one = record(challenger);
  const other = record(champion);
  if (one.value === undefined) return null;
  const opening = (typeof reason === 'string' && REASONS[reason]) || null;
  const own = `${text(metric)} ${score(one.value)} (${interval(one.low, one.high)})`;
  const against = champion ? `against ${score(other.value)} of iteration ${count(other.iteration)}` : null;
  return join(
    [
      join([opening, join([own, against], ' ')], ': '),
      sameRows === true ? 'It was trained on the very rows of the champion: no suggestion was applied' : null,
      paired(record(comparison)),
      opening || typeof rule !== 'string' ? null : `rule: ${rule}`,
    ],
    '. ',
  );
}

/** What a row-by-row comparison found. Empty without one. */
export function paired({
  difference,
  low,
  high,
  samples,
  pValue,
  gained,
  lost,
  regressions,
  calibrationChange,
}: Facts): string {
  if (typeof difference !== 'number') return '';
  const worse = Array.isArray(regressions) ? regressions.map(record) : [];
  return join([
    `On the same ${count(samples)} rows ${signed(difference)} (${interval(low, high, signed)})`,
    `${count(gained)} rows won and ${count(lost)} lost (p ${probability(pValue)})`,
    typeof calibrationChange === 'number' ? `calibration error ${signed(calibrationChange)}` : null,
    ...worse.map(
      ({ name, before, after, support }) =>
        `worse on ${text(name)}: error rate ${score(before)} → ${score(after)} on ${count(support)} rows`,
    ),
  ]);
}

function limits({ maxIterations, performanceThreshold, plateau, budget, deadline }: Facts): string {
  const { patience, minimumGain } = record(plateau);
  const { wallSeconds, trainingSeconds } = record(budget);
  const parts = [
    typeof maxIterations === 'number' ? `at most ${counted(maxIterations, 'iteration')}` : null,
    typeof performanceThreshold === 'number' ? `target ${score(performanceThreshold)}` : null,
    plateau ? `plateau of ${count(patience)} with less than ${text(minimumGain)}` : null,
    typeof wallSeconds === 'number' ? `${count(wallSeconds)} s in all` : null,
    typeof trainingSeconds === 'number' ? `${count(trainingSeconds)} s of training` : null,
    typeof deadline === 'string' ? `until ${deadline}` : null,
  ];
  const known = join(parts, ', ');
  return known && `Limits: ${known}.`;
}

/** Why a loop ended, by the rule and its numbers. */
export function stopWords(reason: Facts): string | null {
  const { policy, limit } = reason;
  switch (policy) {
    case 'performanceThreshold': {
      const lower = reason.rule === 'lower_bound' ? ' at the cautious end of its interval' : '';
      return `The target ${score(reason.threshold)} is reached: the champion has ${score(reason.compared ?? reason.score)}${lower}.`;
    }
    case 'maxIterations':
      return `All of at most ${counted(Number(limit), 'iteration')} are done.`;
    case 'plateau':
      return `The last ${counted(Number(reason.patience), 'iteration')} gained ${signed(reason.gain)}, less than ${text(reason.minimumGain)}.`;
    case 'budget': {
      const [used, what] =
        reason.wallSeconds === undefined ? [reason.trainingSeconds, 'of training'] : [reason.wallSeconds, 'in all'];
      return `The budget is used up: ${count(used)} s ${what}, of ${count(limit)} s.`;
    }
    case 'deadline':
      return `The deadline ${text(reason.deadline)} has passed.`;
    default:
      return null;
  }
}
