/** Turns a `Scope` into a filter. The only place where a read can become one over everybody's rows. */
import type { Scope } from '../domain/access';

/** The `where` part that keeps a read inside `scope`. Throws on a scope without a user: an undefined filter matches all rows. */
export function within(scope: Scope): { userId?: number } {
  if (scope === 'everyone') return {};
  if (!Number.isInteger(scope.userId)) throw new TypeError('a scope needs the id of its user');
  return { userId: scope.userId };
}

/** One page of a list that is ordered newest first; `nextCursor` is null on the last page. */
export interface Page<Row> {
  rows: Row[];
  nextCursor: bigint | null;
}

/** Cuts a result that was fetched with one row more than `limit` into a page. */
export function toPage<Row extends { id: bigint }>(rows: Row[], limit: number): Page<Row> {
  const page = rows.slice(0, limit);
  return { rows: page, nextCursor: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
}
