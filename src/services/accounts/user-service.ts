/** What administrators do with users, and the first administrator. */
import type { Caller, Role } from '../../domain/access';
import { AppError, notFound } from '../../domain/errors';
import type { UserRepository, UserRow } from '../../repositories/users';
import type { Clock } from '../clock';
import { normaliseEmail } from './account-service';
import { hashPassword } from './passwords';

export class UserService {
  constructor(
    private readonly users: UserRepository,
    private readonly clock: Clock,
  ) {}

  /** The user; 404 when there is none with this id. */
  async get(userId: number): Promise<UserRow> {
    const user = await this.users.findById(userId);
    if (!user) throw notFound('user');
    return user;
  }

  /** Everyone, newest first: at most `limit` of those made before the user with the id `before`. */
  list(limit: number, before: bigint | null) {
    return this.users.list(limit, before);
  }

  /** Changes role or state; all tokens of the user end at once. Administrators cannot lock themselves out. */
  async change(caller: Caller, userId: number, change: { role?: Role; disabled?: boolean }): Promise<UserRow> {
    if (userId === caller.userId) {
      throw new AppError('CONFLICT', 'administrators cannot change their own role or state; ask another administrator');
    }
    const user = await this.users.change(userId, change, this.clock());
    if (!user) throw notFound('user');
    return user;
  }

  /** Creates the administrator of the configuration when there is none. Answers whether it did. */
  async bootstrapAdmin(email: string, password: string): Promise<boolean> {
    if (await this.users.hasAdmin()) return false;
    const passwordHash = await hashPassword(password);
    const user = await this.users.create({
      email: normaliseEmail(email),
      displayName: 'Administrator',
      passwordHash,
      role: 'ADMIN',
    });
    if (!user) throw new Error(`WLOPS_ADMIN_EMAIL ${email} belongs to a user who is no administrator; choose another`);
    return true;
  }
}
