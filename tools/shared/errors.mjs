// @ts-check
// The one error meant for the person at the terminal: its message is printed alone, without a stack.

export class UserError extends Error {
  /** @override */
  name = 'UserError';
}

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));
