/** Who may do what: pure functions over the caller. Owner checks themselves are in every repository read, by `Scope`. */
import type { Caller, Role, Scope } from '../domain/access';

/** What a route asks of its caller. */
export type Access = 'public' | 'reader' | 'writer' | 'admin';

const ALLOWED: Readonly<Record<Exclude<Access, 'public'>, readonly Role[]>> = {
  reader: ['ADMIN', 'USER', 'VIEWER'],
  writer: ['ADMIN', 'USER'],
  admin: ['ADMIN'],
};

/** True when `role` may use a route that asks for `access`. */
export function mayUse(access: Access, role: Role): boolean {
  return access === 'public' || ALLOWED[access].includes(role);
}

/** Whose data sets and tasks the caller may see and act on: administrators everyone's, others their own. */
export function scopeOf(caller: Pick<Caller, 'userId' | 'role'>): Scope {
  return caller.role === 'ADMIN' ? 'everyone' : { userId: caller.userId };
}

/** True when the caller may see, and create, things that belong to `userId`. */
export function mayActFor(caller: Pick<Caller, 'userId' | 'role'>, userId: number): boolean {
  return caller.role === 'ADMIN' || caller.userId === userId;
}
