/** A client that writes down every request with its answer, for the checker: without that it cannot say whether a success was lost. */
import path from 'node:path';
import { logCall } from '../../../tools/faults/client-log.cjs';
import { Client, stackProcess, type Reply } from '../../system/support/client';
import { DATA_DIR } from './faults';

export const CLIENT_LOG = path.join(DATA_DIR, 'client.jsonl');

export class LoggedClient extends Client {
  override async request(
    method: string,
    route: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const key = headers['idempotency-key'];
    const call = { at: Date.now(), user: this.user?.userId ?? null, method, route, key, body };
    try {
      const reply = await super.request(method, route, body, headers);
      logCall(CLIENT_LOG, { ...call, status: reply.status, reply: reply.body });
      return reply;
    } catch (error) {
      logCall(CLIENT_LOG, { ...call, status: null, error: String(error) });
      throw error;
    }
  }

  override async login(email: string, password: string): Promise<Client> {
    const session = await this.must('/api/auth/login', { email, password });
    return new LoggedClient(this.base, session.accessToken, session.user);
  }
}

/** The API of the running stack, not logged in. */
export const anonymous = (): Client => new LoggedClient(stackProcess('api').url);
