/** Users: oneself, and what administrators manage. */
import { notFound } from '../../domain/errors';
import type { UserService } from '../../services/accounts/user-service';
import type { Api } from '../api';
import { cursorText, pageOf } from '../validation';
import { presentManagedUser, presentUser } from './presenter';
import { managedUserSchema, userChangeBody, userListQuery, userParams, userSchema } from './schemas';

/** Adds `/api/users/me` for everyone and the routes of administrators. */
export function userRoutes(api: Api, users: UserService): void {
  api.add(
    {
      operationId: 'getMe',
      method: 'get',
      path: '/api/users/me',
      tag: 'users',
      summary: 'Who you are',
      access: 'reader',
      responses: { 200: { description: 'You', schema: userSchema } },
    },
    async ({ caller }) => ({ status: 200, body: presentUser(await users.get(caller.userId)) }),
  );
  api.add(
    {
      operationId: 'listUsers',
      method: 'get',
      path: '/api/users',
      tag: 'users',
      summary: 'All users, newest first',
      access: 'admin',
      query: userListQuery,
      responses: { 200: { description: 'A page', schema: pageOf(managedUserSchema) } },
    },
    async ({ query: { limit, cursor } }) => {
      const { rows, nextCursor } = await users.list(limit, cursor ?? null);
      return { status: 200, body: { items: rows.map(presentManagedUser), nextCursor: cursorText(nextCursor) } };
    },
  );
  api.add(
    {
      operationId: 'changeUser',
      method: 'patch',
      path: '/api/users/{userId}',
      tag: 'users',
      summary: 'Change a role, disable or enable; all tokens of the user end at once',
      access: 'admin',
      params: userParams,
      body: userChangeBody,
      responses: { 200: { description: 'The user', schema: managedUserSchema } },
    },
    async ({ caller, params, body }) => {
      if (!/^[1-9]\d{0,8}$/.test(params.userId)) throw notFound('user');
      return { status: 200, body: presentManagedUser(await users.change(caller, Number(params.userId), body)) };
    },
  );
}
