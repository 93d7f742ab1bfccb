import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import express from 'express';
import { errorEdge } from '../errors';
import { createRateLimits } from './rate-limits';

/** A login that takes a moment and knows one password. The caller's address is the one it says it has. */
let server: Server;
let port: number;
beforeEach(async () => {
  const limits = createRateLimits({
    windowSeconds: 900,
    loginFailuresPerAccountAndAddress: 10,
    loginFailuresPerAccount: 25,
    loginFailuresPerAddress: 15,
    registrationsPerAddress: 3,
    refreshFailuresPerAddress: 3,
  });
  const app = express();
  app.set('trust proxy', true);
  app.use(express.json());
  app.post('/login', ...limits.login, (req, res) => {
    const { password } = req.body as { password: string };
    setTimeout(() => res.status(password === 'right' ? 200 : 401).end(), 5);
  });
  app.post('/register', ...limits.register, (_req, res) => void res.status(201).end());
  app.use(errorEdge);
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function post(path: string, from: string, body: object = {}): Promise<number> {
  const { status } = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': from },
    body: JSON.stringify(body),
  });
  return status;
}
const login = (password: string, from = '10.0.0.1', email = 'owner@example.org') =>
  post('/login', from, { email, password });
const times = (count: number, attempt: (i: number) => Promise<number>) =>
  Promise.all(Array.from({ length: count }, (_, i) => attempt(i)));
const tally = (statuses: number[]) => ({
  ok: statuses.filter((status) => status === 200).length,
  wrong: statuses.filter((status) => status === 401).length,
  limited: statuses.filter((status) => status === 429).length,
});

test('any number of right logins at once get through', async () => {
  expect(tally(await times(60, () => login('right')))).toEqual({ ok: 60, wrong: 0, limited: 0 });
});

test('of many guesses at once no more than the limit are looked at', async () => {
  expect(tally(await times(40, () => login('wrong')))).toEqual({ ok: 0, wrong: 10, limited: 30 });
  expect(await login('right')).toBe(429);
});

test('the owner is not locked out by guesses from elsewhere', async () => {
  await times(12, () => login('wrong', '10.6.6.6'));
  expect([await login('right', '10.6.6.6'), await login('right', '10.0.0.1')]).toEqual([429, 200]);
});

test('guesses from many addresses at one account have a limit too, and so have those from one address at many', async () => {
  expect(tally(await times(40, (i) => login('wrong', `10.1.0.${i}`))).wrong).toBe(25);
  expect(tally(await times(40, (i) => login('wrong', '10.2.0.1', `${i}@example.org`))).wrong).toBe(15);
});

test('who leaves before the answer has guessed too', async () => {
  const body = JSON.stringify({ email: 'owner@example.org', password: 'wrong' });
  for (let i = 0; i < 10; i += 1) {
    const arrived = once(server, 'request');
    const socket = connect(port, '127.0.0.1');
    socket.write(
      `POST /login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-forwarded-for: 10.0.0.1\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    const [req] = (await arrived) as [NodeJS.EventEmitter];
    await once(req, 'end');
    socket.destroy();
  }
  expect(await login('right')).toBe(429);
});

test('registrations of one address have a limit', async () => {
  expect(await times(5, () => post('/register', '10.0.0.1')).then((all) => all.sort())).toEqual([
    201, 201, 201, 429, 429,
  ]);
});
