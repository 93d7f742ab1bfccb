/** What the Temporal UI shows about a running task, as markdown. */
import type { ControlState, LoopState, TaskSpec } from '../src/contracts/task-workflow';

/** Longer histories are cut to their end: the UI takes 20 kB. */
const SHOWN_SCORES = 30;

/** A summary for people: status, iteration, name, data set, scores, champion. Temporal shows what a task was started with on its first run only. */
export function taskDetails(task: TaskSpec, state: LoopState, controlState: ControlState): string {
  const { iteration, status, scoreHistory, firstScore = 0, champion, stopConditions } = state;
  const control = controlState === 'none' ? '' : ` (${controlState})`;
  const of = task.mode === 'CONTINUOUS' ? ` of at most ${stopConditions.maxIterations}` : '';
  const lines = [`**${status}**${control} · iteration ${iteration + 1}${of} · model \`${task.modelName}\``];
  lines.push('', `${task.taskName} · data set \`${task.source.datasetId}\` · seed ${task.seed}`);
  if (state.paused?.reason) lines.push('', `Paused: ${state.paused.reason}`);
  if (scoreHistory.length > 0) {
    const shown = scoreHistory.slice(-SHOWN_SCORES);
    const first = firstScore + scoreHistory.length - shown.length;
    const rows = shown.map((score, index) => {
      const mark = first + index === champion?.iteration ? 'champion' : '';
      return `| ${first + index} | ${score.toFixed(4)} | ${mark} |`;
    });
    lines.push('', '| iteration | score | |', '| --- | --- | --- |', ...rows);
  }
  return lines.join('\n');
}
