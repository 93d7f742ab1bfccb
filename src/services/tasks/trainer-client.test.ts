import { createServer, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import jwt from 'jsonwebtoken';
import { createModelResolver } from './trainer-client';

const SECRET = 's'.repeat(32);
let server: Server;
let answer: { status: number; body: string; location?: string };
const seen: { url?: string; authorization?: string; body: string }[] = [];

beforeAll(async () => {
  const reply = async (req: IncomingMessage): Promise<void> => {
    seen.push({ url: req.url, authorization: req.headers.authorization, body: await text(req) });
  };
  server = createServer((req, res) => {
    void reply(req).then(() => {
      res.writeHead(answer.status, {
        'content-type': 'application/json',
        ...(answer.location && { location: answer.location }),
      });
      res.end(answer.body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const resolve = (name: string) => createModelResolver(url(), SECRET)(name);

test('asks with a short-lived token that only the trainer takes', async () => {
  answer = { status: 200, body: '{}' };
  await resolve('org/model');
  const { url: path, authorization = '', body } = seen.at(-1) ?? { body: '' };
  expect([path, JSON.parse(body)]).toEqual(['/api/v1/models/resolve', { modelName: 'org/model' }]);
  const claims = jwt.verify(authorization.replace('Bearer ', ''), SECRET, {
    algorithms: ['HS256'],
    issuer: 'wlops',
    audience: 'wlops-trainer',
  }) as jwt.JwtPayload;
  expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBeLessThanOrEqual(300);
});

test("the trainer's no becomes MODEL_UNKNOWN with its reason", async () => {
  answer = {
    status: 422,
    body: '{"error":{"code":"MODEL_UNKNOWN","message":"the hub has no model org/x","requestId":"r"}}',
  };
  await expect(resolve('org/x')).rejects.toMatchObject({
    code: 'MODEL_UNKNOWN',
    message: 'modelName: the hub has no model org/x',
  });
});

test.each([
  ['a fault', { status: 500, body: 'oops' }],
  ['a refused token', { status: 401, body: '{}' }],
  ['a redirect, which is not followed', { status: 302, body: '', location: 'http://127.0.0.1:1/' }],
])('%s is "try again", not "unknown"', async (_case, given) => {
  answer = given;
  await expect(resolve('org/x')).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 10 });
});

test('a trainer that is down is "try again"', async () => {
  await expect(createModelResolver('http://127.0.0.1:1', SECRET)('org/x')).rejects.toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
  });
});
