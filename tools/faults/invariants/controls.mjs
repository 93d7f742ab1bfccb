// @ts-check
// I1, of pause, resume, cancel and fail: each that was answered with success has a decision of its own in the task's ledger, which the
// workflow wrote when it learned of it; or the state of the task left nothing to decide, which the ledger or the task's end must show.
// Not covered: what nobody was told of; a control whose answer was lost may have been carried out or not.
import { succeeded } from './facts.mjs';
import { groupBy } from './group-by.mjs';

/**
 * @typedef {import('./facts.mjs').ClientEntry} ClientEntry
 * @typedef {import('./facts.mjs').Facts} Facts
 * @typedef {import('./facts.mjs').TaskFact} TaskFact
 * @typedef {Facts['decisions'][number]} Decision
 * @typedef {'pause' | 'resume' | 'cancel' | 'fail'} Verb
 * @typedef {{ entry: ClientEntry, taskId: string, verb: Verb, from: number, until: number }} Control `from`, `until`: when it was decided
 * @typedef {{ decidedAt: number, recordedAt: number }} End when the workflow knew of it, and when its row did, which the API asks
 * @typedef {{ task: TaskFact, ledger: Decision[], controls: Control[], end: End | undefined }} Story of one task
 */

const TERMINAL = new Set(['COMPLETED', 'FAILED', 'CANCELLED']);
/** The ledger has the time of the server, the log that of the client, which runs on the same machine. */
const CLOCK_MS = 20;
/** What ends a task is asked of Temporal, and the task may end meanwhile, in its workflow first and in its row a moment later. */
const AROUND_END_MS = 5000;

/** @param {ClientEntry} entry @returns {Control | undefined} */
function controlOf(entry) {
  const { method, route, at, ms } = entry;
  const [, taskId, verb] = /^\/api\/tasks\/([^/]+)\/(pause|resume|cancel|fail)$/.exec(route) ?? [];
  if (method !== 'POST' || !taskId || !verb) return undefined;
  return { entry, taskId, verb: /** @type {Verb} */ (verb), from: at - CLOCK_MS, until: at + ms + CLOCK_MS };
}

/** @param {import('./facts.mjs').EventFact[]} events of one task @returns {End | undefined} */
function endOf(events) {
  const last = events.findLast(({ payload }) => TERMINAL.has(payload.status));
  if (!last) return undefined;
  const createdAt = last.createdAt.getTime();
  const decidedAt = last.payload.at ? Date.parse(last.payload.at) : createdAt;
  return { decidedAt, recordedAt: Math.max(decidedAt, createdAt) };
}

/**
 * The controls that have a decision which no other has: each decision goes to the control that was answered first of those it can be of.
 * @param {Control[]} controls @param {Decision[]} decisions
 */
function decided(controls, decisions) {
  const matched = new Set();
  for (const { at } of decisions) {
    const possible = controls.filter((one) => !matched.has(one) && one.from <= at && at <= one.until);
    const [first] = possible.toSorted((a, b) => a.until - b.until);
    if (first) matched.add(first);
  }
  return matched;
}

/** Whether a pause stood at some moment of the call, from this one's decision or another's. @param {Control} control @param {Decision[]} ledger */
function metAPause({ from, until }, ledger) {
  const turns = ledger.filter(({ kind }) => kind === 'pause' || kind === 'resume');
  return turns.some(
    ({ kind, at }, index) => kind === 'pause' && at <= until && (turns[index + 1]?.at ?? Infinity) >= from,
  );
}

/** Whether the task ended while it was asked, or nobody could know yet that it had. @param {Control} control @param {Story} story @param {number} [learned] */
function metTheEnd({ entry: { at, ms } }, { end }, learned = 0) {
  if (!end) return false;
  return end.decidedAt <= Math.max(at + ms, learned) + AROUND_END_MS && end.recordedAt >= at - AROUND_END_MS;
}

/** @param {TaskFact} task */
const shown = ({ status, failureCode, failureMessage }) =>
  failureCode ? `${status} (${failureCode}, ${failureMessage})` : status;

/** @param {Control} control @param {Story} story @returns {string | undefined} */
function lostCancel(control, story) {
  const { task, ledger } = story;
  if (task.status === 'CANCELLED') return undefined;
  if (!TERMINAL.has(task.status)) return `the task goes on, ${task.status}`;
  // Of two people, one who cancels and one who fails it, either may win.
  if (task.failureCode === 'FAILED_BY_OPERATOR' && ledger.some(({ kind }) => kind === 'fail')) return undefined;
  const learned = ledger.findLast(({ kind }) => kind === 'cancel')?.at;
  return metTheEnd(control, story, learned) ? undefined : `the task is ${shown(task)}`;
}

/** @param {Control} control @param {Story} story @returns {string | undefined} */
function lostFail(control, story) {
  const { task, ledger, controls } = story;
  // A cancel may overtake it.
  if (task.status === 'CANCELLED' && ledger.some(({ kind }) => kind === 'cancel')) return undefined;
  const decision = ledger.find(({ kind }) => kind === 'fail');
  if (!decision) return metTheEnd(control, story) ? undefined : "the task's decisions know of no fail";
  const reason = control.entry.body?.reason ?? '';
  // The first of several is the one that counts; one that was sent after another's answer came after it.
  const isAnothers = controls.some(
    ({ verb, entry }) =>
      verb === 'fail' && entry.at <= control.until && (entry.body?.reason ?? '') === (decision.facts?.reason ?? ''),
  );
  if (task.status === 'FAILED' && task.failureCode === 'FAILED_BY_OPERATOR') {
    const said = task.failureMessage ?? '';
    if (said.includes(reason) || (isAnothers && said.includes(decision.facts?.reason ?? ''))) return undefined;
  }
  return `the task is ${shown(task)}`;
}

/** @param {Story} story @returns {[ClientEntry, string][]} */
function lostOf(story) {
  const { ledger, controls } = story;
  const acknowledged = controls.filter(({ entry }) => succeeded(entry));
  const ofVerb = (/** @type {string} */ wanted) => acknowledged.filter(({ verb }) => verb === wanted);
  const ofKind = (/** @type {string} */ wanted) => ledger.filter(({ kind }) => kind === wanted);
  const resumed = decided(ofVerb('resume'), ofKind('resume'));
  return acknowledged.flatMap((control) => {
    const reason = {
      // One that meets a pause which stands is answered with it, and nothing is decided.
      pause: () => (metAPause(control, ledger) ? undefined : "the task's decisions know of no pause just then"),
      resume: () => (resumed.has(control) ? undefined : "the task's decisions know of no resume of its own"),
      cancel: () => lostCancel(control, story),
      fail: () => lostFail(control, story),
    }[control.verb]();
    return reason ? [/** @type {[ClientEntry, string]} */ ([control.entry, reason])] : [];
  });
}

/**
 * The controls that were answered with success and are lost.
 * @param {Facts} facts
 * @returns {Map<ClientEntry, string>} each with what shows it
 */
export function lostControls({ requests, tasks, decisions, events }) {
  const asked = groupBy(
    requests.flatMap((entry) => controlOf(entry) ?? []),
    ({ taskId }) => taskId,
  );
  const rows = new Map(tasks.map((task) => [task.taskId, task]));
  const ledgers = groupBy(decisions, ({ taskId }) => taskId);
  const told = groupBy(events, ({ taskId }) => taskId);
  const lost = [...asked].flatMap(([taskId, controls]) => {
    const task = rows.get(taskId);
    // Its creation is told as lost.
    if (!task) return [];
    const ledger = (ledgers.get(taskId) ?? []).toSorted((a, b) => a.at - b.at);
    return lostOf({ task, ledger, controls, end: endOf(told.get(taskId) ?? []) });
  });
  return new Map(lost);
}
