/** Figures of one iteration that need no table: rows by role, what was checked and found, seconds, where things lie. */
import { foundAmongTraining } from './contamination-words';
import { facts } from './elements';
import { count, counted, score, seconds } from './numbers';
import { interruptionWords } from './interruptions';
import type { ReportIteration } from './report';

/** Empty where nothing is known yet. */
export function checks({
  leakage,
  labelIssues,
  contamination,
  secondary,
  seconds: took,
  ...one
}: ReportIteration): string {
  return facts([
    ['rows by role', rowsByRole(one)],
    ['rows of labels that training lacks', labelsUnknown(one)],
    ['exact overlaps with held-out rows', leakage?.exactOverlaps],
    ['near overlaps', leakage?.nearOverlaps],
    ['paraphrases', leakage?.paraphrases],
    ['doubted labels', labelIssues && `${labelIssues.flagged} flagged, ${labelIssues.quarantined} taken out`],
    ['select rows among the training rows', contamination && foundAmongTraining(contamination)],
    ['teacher', taught(one)],
    ['interruptions', interruptionWords(one)],
    ['training went on from step', one.resumedFromStep === null ? null : count(one.resumedFromStep)],
    ...Object.entries(secondary ?? {}).map(([name, value]) => [name, score(value)] as const),
    [
      'seconds',
      `optimize ${seconds(took.optimization)}, train ${seconds(took.training)}, evaluate ${seconds(took.evaluation)}`,
    ],
    ['data set', one.datasetId],
    ['model', one.modelPath],
  ]);
}

/** `train 700, mine 100, …`: the roles that there are. */
function rowsByRole({ roles }: Pick<ReportIteration, 'roles'>): string | null {
  const there = Object.entries(roles ?? {}).filter(([, rows]) => rows !== null);
  return there.map(([role, rows]) => `${role} ${count(rows)}`).join(', ') || null;
}

/** What left the machine for a teacher, and what came back. */
function taught({ teacher }: Pick<ReportIteration, 'teacher'>): string | null {
  if (!teacher) return null;
  const { model, calls, rowsShown, rowsAsked, rowsAnswered, rowsAccepted } = teacher;
  const written = `${rowsAnswered} answered of ${rowsAsked} asked for, ${rowsAccepted} usable`;
  return `${model}: ${counted(calls, 'call')}, ${counted(rowsShown, 'training row')} sent to it, ${written}`;
}

/** `test 3 rows (2 labels), pool 9 rows (1 label) set aside`. */
function labelsUnknown({ unknownLabels }: Pick<ReportIteration, 'unknownLabels'>): string | null {
  const told = Object.entries(unknownLabels ?? {}).map(
    ([role, { rows, labels }]) =>
      `${role} ${counted(rows, 'row')} (${counted(labels, 'label')})${role === 'pool' ? ' set aside' : ''}`,
  );
  return told.join(', ') || null;
}
