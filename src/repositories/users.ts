/** Rows of `users`. E-mail addresses come in normalised (`normaliseEmail` of `services/accounts/account-service.ts`). */
import type { Db } from '../db';
import { Prisma, type User } from '../generated/prisma/client';
import type { Role } from '../domain/access';
import { toPage, type Page } from './scope';

export type UserRow = User;

export interface NewUser {
  email: string;
  displayName: string | null;
  passwordHash: string;
  role: Role;
}

export class UserRepository {
  constructor(private readonly db: Db) {}

  /** Null when the address is taken. */
  async create(user: NewUser): Promise<UserRow | null> {
    try {
      return await this.db.user.create({ data: user });
    } catch (error) {
      if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002') return null;
      throw error;
    }
  }

  /** The user with this address, disabled or not; null when there is none. */
  findByEmail(email: string): Promise<UserRow | null> {
    return this.db.user.findUnique({ where: { email } });
  }

  /** Disabled users are found too; null when there is none with this id. */
  findById(userId: number): Promise<UserRow | null> {
    return this.db.user.findUnique({ where: { id: userId } });
  }

  /** True when someone who can log in has the role. */
  async hasAdmin(): Promise<boolean> {
    return (await this.db.user.count({ where: { role: 'ADMIN', disabledAt: null } })) > 0;
  }

  /** Everyone, newest first. */
  async list(limit: number, before: bigint | null): Promise<Page<UserRow & { rowId: bigint }>> {
    const rows = await this.db.user.findMany({
      where: before === null ? {} : { id: { lt: Number(before) } },
      orderBy: { id: 'desc' },
      take: limit + 1,
    });
    const page = toPage(
      rows.map((row) => ({ id: BigInt(row.id), row })),
      limit,
    );
    return { rows: page.rows.map(({ id, row }) => ({ ...row, rowId: id })), nextCursor: page.nextCursor };
  }

  /** Sets role or state and ends all logins of the user in the same transaction. Null when there is no such user. */
  async change(userId: number, change: { role?: Role; disabled?: boolean }, now: Date): Promise<UserRow | null> {
    return this.db.$transaction(async (tx) => {
      const { count } = await tx.user.updateMany({
        where: { id: userId },
        data: {
          ...(change.role === undefined ? {} : { role: change.role }),
          ...(change.disabled === undefined ? {} : { disabledAt: change.disabled ? now : null }),
          tokenVersion: { increment: 1 },
        },
      });
      if (count === 0) return null;
      await tx.session.updateMany({ where: { userId, revokedAt: null }, data: { revokedAt: now } });
      return tx.user.findUnique({ where: { id: userId } });
    });
  }
}
