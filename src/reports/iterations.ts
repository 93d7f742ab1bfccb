/** One iteration on the page: how it compares, what data it was made of, what was tried, applied and declined, what was found. */
import { escapeHtml } from './escape';
import { badge, numeric, part, table, whole } from './elements';
import { paired } from './decision-words';
import { checks } from './iteration-checks';
import { barMark, changeMark, intervalMark, scaleOf } from './marks';
import { count, counted, interval, probability, score, signed } from './numbers';
import type { Report, ReportIteration } from './report';

/** What became of an iteration's model. Empty while that is not decided. */
export function place({ champion, promoted }: ReportIteration): string {
  if (champion) return badge('champion', 'good');
  return promoted === null ? '' : badge(promoted ? 'was champion' : 'refused', 'soft');
}

/** Folded, but for the champion's. */
export function iterationSections({ iterations }: Report): string {
  return iterations.map((one) => iteration(one, one.champion || iterations.length === 1)).join('');
}

function iteration(one: ReportIteration, open: boolean): string {
  const line = one.score === null ? '' : ` · ${score(one.score)} (${interval(one.low, one.high)})`;
  const heading = `<summary><b>Iteration ${one.iteration}</b>${escapeHtml(line)} ${place(one)}</summary>`;
  const content = [
    part('Against the champion', comparison(one)),
    part('How the files were read', fileTable(one)),
    part('From rows to training rows', stepTable(one)),
    part('What a quick model made of the suggestions', armTable(one), armNote(one)),
    part('Applied', appliedTable(one), APPLIED_NOTE),
    part('Declined', declinedTable(one)),
    part('Error rates before and after', sliceChangeTable(one), SLICE_NOTE),
    part('Where it errs more than elsewhere', sliceTable(one)),
    part('Suggested for the next iteration', improvementTable(one)),
    part('Checks and figures', checks(one)),
  ];
  return `<details class="iteration"${open ? ' open' : ''}>${heading}${content.join('')}</details>`;
}

function comparison({ comparison: found }: ReportIteration): string {
  if (!found) return '';
  const words = paired({ ...found });
  return `<p>${escapeHtml(`Champion of iteration ${found.championIteration}. ${words}.`)}</p>`;
}

function fileTable({ files }: ReportIteration): string {
  return table(
    ['file', 'read as', 'input', 'output', numeric('rows'), numeric('set aside'), 'notes'],
    (files ?? []).map((file) => [
      escapeHtml(file.file),
      escapeHtml(`${file.format}, ${file.header ? 'with' : 'without'} a header`),
      escapeHtml(file.input.join(' + ')),
      escapeHtml(file.output),
      count(file.rows),
      count(file.setAside),
      escapeHtml(file.notes.join('; ')),
    ]),
  );
}

function stepTable({ steps }: ReportIteration): string {
  const most = Math.max(1, ...(steps ?? []).map((step) => step.rowsIn));
  return table(
    ['step', numeric('rows in'), numeric('rows out'), '', numeric('edited'), 'removed'],
    (steps ?? []).map((step) => [
      escapeHtml(step.name),
      count(step.rowsIn),
      count(step.rowsOut),
      barMark(step.rowsOut / most),
      count(step.changed || null),
      Object.entries(step.removed)
        .map(([reason, rows]) => `${escapeHtml(reason)}: ${count(rows)}`)
        .join(', '),
    ]),
    16,
  );
}

function armNote({ trial }: ReportIteration): string {
  if (!trial) return '';
  return (
    `Quick model: ${trial.proxy}; ${counted(trial.seeds, 'seed')}, ${counted(trial.samples, 'row')} of mine: ${score(trial.baseline)} before, ` +
    `${score(trial.chosen)} with what was chosen. Beside each arm a control arm adds, changes or drops as many random rows: ` +
    'made rows and edits must be better than theirs, rows of the pool must do no harm.'
  );
}

function armTable({ trial }: ReportIteration): string {
  const arms = trial?.arms ?? [];
  const scale = scaleOf(arms.flatMap(({ uplift }) => [uplift.low, uplift.high]));
  return table(
    ['arm', numeric('rows'), numeric('score'), numeric('uplift'), whole('95 % interval'), '', ''],
    arms.map(({ arm, rows, score: value, uplift, chosen, reason }) => [
      escapeHtml(arm),
      count(rows),
      score(value),
      signed(uplift.value),
      interval(uplift.low, uplift.high, signed),
      intervalMark(uplift, scale),
      `${chosen ? `${badge('chosen', 'good')} ` : ''}${escapeHtml(reason)}`,
    ]),
  );
}

const APPLIED_NOTE =
  'Trial: what a quick model lost without it. Uplift: by how much the real model’s error rate on the slice fell against the champion it was found in.';

function appliedTable({ applied }: ReportIteration): string {
  return table(
    ['suggestion', 'kind', 'slice', numeric('rows'), numeric('trial'), numeric('uplift'), whole('95 % interval')],
    (applied ?? []).map((item) => [
      `<code>${escapeHtml(item.id)}</code>`,
      escapeHtml(item.arm && item.arm !== item.kind ? `${item.kind} (${item.arm})` : item.kind),
      escapeHtml(item.slice),
      count(item.rows),
      signed(item.trial?.value),
      signed(item.uplift),
      interval(item.low, item.high, signed),
    ]),
  );
}

function declinedTable({ declined }: ReportIteration): string {
  return table(
    ['suggestion', 'kind', 'slice', 'because'],
    (declined ?? []).map((item) => [
      `<code>${escapeHtml(item.id)}</code>`,
      escapeHtml(item.kind),
      escapeHtml(item.slice),
      escapeHtml(item.reason),
    ]),
  );
}

const SLICE_NOTE = 'On mine, against the champion this iteration learned from: ring before, dot after; left is better.';

function sliceChangeTable({ sliceChanges }: ReportIteration): string {
  const changes = sliceChanges ?? [];
  const scale = scaleOf(changes.flatMap(({ before, after }) => [before, after]));
  return table(
    ['slice', numeric('rows'), numeric('before'), numeric('after'), '', numeric('gain'), whole('95 % interval')],
    changes.map(({ name, support, before, after, gain, low, high }) => [
      escapeHtml(name),
      count(support),
      score(before),
      score(after),
      changeMark(before, after, scale),
      signed(gain),
      interval(low, high, signed),
    ]),
  );
}

function sliceTable({ slices }: ReportIteration): string {
  return table(
    ['slice', numeric('rows'), numeric('error rate'), '', numeric('lift'), numeric('q')],
    (slices ?? []).map((slice) => [
      escapeHtml(slice.name),
      count(slice.support),
      score(slice.errorRate),
      barMark(slice.errorRate),
      slice.lift.toFixed(2),
      probability(slice.qValue),
    ]),
  );
}

function improvementTable({ improvements }: ReportIteration): string {
  return table(
    ['suggestion', 'kind', 'slice', numeric('rows'), numeric('can gain at most')],
    (improvements ?? []).map((item) => [
      `<code>${escapeHtml(item.id)}</code>`,
      escapeHtml(item.kind),
      escapeHtml(item.slice),
      count(item.support),
      signed(item.gainBound),
    ]),
  );
}
