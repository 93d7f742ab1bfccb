// @ts-check
// The log of a client, by which the checker judges what was answered: one line for each request. Secrets stay out of it.
const { addJsonLine } = require('../shared/json-lines.cjs');

/** Where passwords are sent and tokens answered. The answer to a registration has neither. @param {string} route */
const isSecret = (route) => route.startsWith('/api/auth/') && route !== '/api/auth/register';

/** @param {string} file @param {import('./client-log.cjs').Call} call */
exports.logCall = function logCall(file, { at, user, method, route, key, body, status, reply, error }) {
  const isTold = body !== undefined && !(body instanceof FormData) && !route.startsWith('/api/auth/');
  addJsonLine(file, {
    ...{ at, ms: Date.now() - at, user, method, route },
    ...(key === undefined ? {} : { key }),
    ...(isTold ? { body } : {}),
    status,
    ...(reply === undefined || isSecret(route) ? {} : { reply }),
    ...(error === undefined ? {} : { error }),
  });
};
