// @ts-check
// I1: what was answered with success has happened and is still there. I7: nobody sees anything of another user.

import { lostControls } from './controls.mjs';
import { succeeded } from './facts.mjs';

/** @typedef {import('./facts.mjs').Check} Check @typedef {import('./facts.mjs').ClientEntry} ClientEntry */

/** @param {ClientEntry} entry */
const told = ({ method, route, status, at }) => `${new Date(at).toISOString()} ${method} ${route} → ${status}`;

/** The task that a call starts. @param {ClientEntry} entry */
const taskOfStart = ({ method, route }) =>
  method === 'POST' ? /^\/api\/tasks\/([^/]+)\/start$/.exec(route)?.[1] : undefined;

/** The id of what a creating call made. @param {ClientEntry} entry @returns {string | undefined} */
function createdId({ method, route, reply }) {
  if (method !== 'POST') return undefined;
  if (route === '/api/datasets/upload') return reply?.datasetId;
  return /^\/api\/tasks\/(standard|continuous)$/.test(route) ? reply?.taskId : undefined;
}

/** The task whose settings a call edits. @param {ClientEntry} entry */
const taskOfEdit = ({ method, route }) =>
  method === 'PATCH' ? /^\/api\/tasks\/([^/]+)\/(?:hyperparameters|stop-conditions)$/.exec(route)?.[1] : undefined;

/**
 * What was edited stands in the ledger; and in the row, unless it was edited again, with whatever answer.
 * @param {ClientEntry} entry @param {import('./facts.mjs').Facts} facts @returns {string | undefined}
 */
function lostEdit(entry, { tasks, decisions, requests }) {
  const edited = taskOfEdit(entry);
  const asked = Object.entries(entry.body ?? {});
  /** @param {Record<string, unknown> | undefined} settings */
  const isIn = (settings) => asked.every(([name, value]) => settings?.[name] === value);
  const isKnown = decisions.some(
    ({ taskId, kind, facts }) => taskId === edited && kind.startsWith('edit-') && isIn(facts.after ?? facts),
  );
  if (!isKnown) return 'no decision of the task has it';
  const isLast = !requests.some(
    (other) => other.at > entry.at && other.route === entry.route && other.method === entry.method,
  );
  const row = tasks.find(({ taskId }) => taskId === edited);
  return isLast && !isIn(row?.settings) ? `the row says ${JSON.stringify(row?.settings)}` : undefined;
}

/** @type {Check} */
export function noSuccessIsLost(facts) {
  const { requests, tasks, datasets, emails } = facts;
  const controls = lostControls(facts);
  const rows = new Map(tasks.map((task) => [task.taskId, task]));
  const uploads = new Map(datasets.map((dataset) => [dataset.datasetId, dataset]));
  const deleted = new Set(
    requests
      .filter((entry) => entry.method === 'DELETE' && succeeded(entry))
      .map(({ route }) => route.split('/').at(-1)),
  );
  /** @param {ClientEntry} entry */
  const fault = (entry) => {
    const { route, reply } = entry;
    if (route === '/api/auth/register') return emails.includes(reply?.email) ? undefined : `no user ${reply?.email}`;
    const id = createdId(entry);
    if (route === '/api/datasets/upload') {
      const row = uploads.get(id ?? '');
      if (!row || (row.isDeleted && !deleted.has(id))) return `the data set ${id} is gone`;
      return row.sha256 === reply.sha256
        ? undefined
        : `the data set ${id} has the sha256 ${row.sha256}, not ${reply.sha256}`;
    }
    if (id) return rows.get(id)?.userId === entry.user ? undefined : `the task ${id} is gone`;
    const started = rows.get(taskOfStart(entry) ?? '');
    if (started && !started.startRequestedAt) return 'the task does not know of its start';
    if (taskOfEdit(entry)) return lostEdit(entry, facts);
    return controls.get(entry);
  };
  const lost = requests.filter(succeeded).flatMap((entry) => {
    const reason = fault(entry);
    return reason ? [`${told(entry)}, but ${reason}`] : [];
  });
  return [...lost, ...keysWithTwoAnswers(requests)];
}

/** The same key, the same answer. @param {ClientEntry[]} requests */
function keysWithTwoAnswers(requests) {
  /** @type {Map<string, Set<string>>} */
  const made = new Map();
  for (const entry of requests.filter((one) => one.key !== undefined && succeeded(one))) {
    const name = `${entry.user} ${entry.key}`;
    made.set(name, (made.get(name) ?? new Set()).add(createdId(entry) ?? ''));
  }
  return [...made]
    .filter(([, ids]) => ids.size > 1)
    .map(([name, ids]) => `the Idempotency-Key of user ${name} was answered with ${[...ids].join(' and ')}`);
}

/** @type {Check} */
export function noUserSeesAnother({ requests, markers, tasks, datasets }) {
  const owners = /** @type {[word: string, owner: number][]} */ ([
    ...tasks.map(({ taskId, userId }) => [taskId, userId]),
    ...datasets.map(({ datasetId, userId }) => [datasetId, userId]),
    ...markers.map(({ marker, user }) => [marker, user]),
  ]);
  const words = new Map(owners);
  // Ids and markers are words of this form; looking them up is quicker than searching for each.
  const WORD = /[A-Za-z0-9_]{8,}/g;
  return requests.flatMap((entry) => {
    if (entry.user === null || entry.reply === undefined) return [];
    const text = typeof entry.reply === 'string' ? entry.reply : JSON.stringify(entry.reply);
    const foreign = (text.match(WORD) ?? []).find((word) => (words.get(word) ?? entry.user) !== entry.user);
    return foreign ? [`${told(entry)} shows user ${entry.user} ${foreign} of user ${words.get(foreign)}`] : [];
  });
}
