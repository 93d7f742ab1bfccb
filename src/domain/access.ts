/** Who asks, and whose rows a read may see. Pure; the rules built on it are in `src/policies`. */

export const ROLES = ['ADMIN', 'USER', 'VIEWER'] as const;

export type Role = (typeof ROLES)[number];

/** The authenticated person behind a request. Role and state are read from the database on every request. */
export interface Caller {
  userId: number;
  email: string;
  role: Role;
  /** The login this request belongs to. */
  sessionId: string;
}

/** Whose rows a read may see: one user's, or everyone's (administrators only). */
export type Scope = { readonly userId: number } | 'everyone';
