/** Registration, login, refresh, logout. */
import type { AccountService, TokenPair } from '../../services/accounts/account-service';
import { bearerToken, type Api } from '../api';
import type { Reply } from '../operation';
import { presentUser } from '../users/presenter';
import { loginBody, logoutBody, refreshBody, registerBody, tokensSchema, userSchema } from './schemas';

/** Adds the public routes that make accounts and tokens and end logins. */
export function authRoutes(api: Api, accounts: AccountService): void {
  api.add(
    {
      operationId: 'register',
      method: 'post',
      path: '/api/auth/register',
      tag: 'auth',
      summary: 'Create an account with the role USER',
      access: 'public',
      rateLimit: 'register',
      body: registerBody,
      responses: { 201: { description: 'The user', schema: userSchema }, 409: { description: 'The address is taken' } },
    },
    async ({ body: { displayName, ...input } }) => {
      const user = await accounts.register({ ...input, displayName: displayName ?? null });
      return { status: 201, body: presentUser(user) };
    },
  );
  api.add(
    {
      operationId: 'login',
      method: 'post',
      path: '/api/auth/login',
      tag: 'auth',
      summary: 'Tokens for an e-mail address and a password',
      access: 'public',
      rateLimit: 'login',
      body: loginBody,
      responses: { 200: { description: 'Tokens', schema: tokensSchema } },
    },
    async ({ body, res }) =>
      tokens(await accounts.login(body.email, body.password), () => res.set('Cache-Control', 'no-store')),
  );
  api.add(
    {
      operationId: 'refresh',
      method: 'post',
      path: '/api/auth/refresh',
      tag: 'auth',
      summary: 'New tokens for a refresh token, which is spent by it',
      access: 'public',
      rateLimit: 'refresh',
      body: refreshBody,
      responses: { 200: { description: 'Tokens', schema: tokensSchema } },
    },
    async ({ body, res }) =>
      tokens(await accounts.refresh(body.refreshToken), () => res.set('Cache-Control', 'no-store')),
  );
  api.add(
    {
      operationId: 'logout',
      method: 'post',
      path: '/api/auth/logout',
      tag: 'auth',
      summary: 'End the session of the access token, of the refresh token, or of both',
      access: 'public',
      rateLimit: 'refresh',
      body: logoutBody,
      bodyOptional: true,
      responses: { 204: { description: 'Ended' } },
    },
    async ({ body, req }) => {
      await accounts.logout(bearerToken(req), body.refreshToken ?? null);
      return { status: 204 };
    },
  );
}

function tokens({ user, ...pair }: TokenPair, forbidCaching: () => void): Reply {
  forbidCaching();
  return { status: 200, body: { ...pair, user: { userId: user.id, email: user.email, role: user.role } } };
}
