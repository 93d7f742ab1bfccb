import { createHmac, generateKeyPairSync } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { JWT_SECRET, openTestApp, type TestApp } from '../../testing/app';
import { createPerson, PASSWORD } from '../../testing/factories';

let app: TestApp;
let now = new Date();
beforeAll(async () => {
  app = await openTestApp({ clock: () => now });
});
beforeEach(() => {
  now = new Date();
});
afterAll(() => app.close());

const login = (email: string, password = PASSWORD) => app.anonymous.post('/api/auth/login', { email, password });
const me = (token: string) => app.anonymous.with(token).get('/api/users/me');

describe('register', () => {
  test('makes a USER whose address is normalised, and never shows the hash', async () => {
    const address = `New.Person-${Date.now()}@Example.ORG`;
    const answer = await app.anonymous.post('/api/auth/register', { email: ` ${address} `, password: PASSWORD });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ email: address.toLowerCase(), role: 'USER', displayName: null });
    expect(Number.isInteger(answer.body.userId)).toBe(true);
    const row = await app.db.user.findUniqueOrThrow({ where: { id: answer.body.userId } });
    expect(row.passwordHash).toMatch(/^\$argon2id\$/);
    expect((await login(address.toUpperCase())).status).toBe(200);
  });

  test('a taken address is a conflict, in any spelling', async () => {
    const person = await createPerson(app);
    const answer = await app.anonymous.post('/api/auth/register', {
      email: person.email.toUpperCase(),
      password: PASSWORD,
    });
    expect([answer.status, answer.body.error.code]).toEqual([409, 'CONFLICT']);
  });

  test.each([
    ['a short password', { email: 'a@example.org', password: '1234567' }, 'password'],
    ['no address', { email: 'nobody', password: PASSWORD }, 'email'],
    ['a role of its own choice', { email: 'a@example.org', password: PASSWORD, role: 'ADMIN' }, 'role'],
    ['an unstorable name', { email: 'a@example.org', password: PASSWORD, displayName: 'a\0b' }, 'displayName'],
  ])('%s is refused, naming the field', async (_case, body, field) => {
    const answer = await app.anonymous.post('/api/auth/register', body);
    expect([answer.status, answer.body.error.code]).toEqual([422, 'VALIDATION_FAILED']);
    expect(answer.body.error.details.fields[0].field).toBe(field);
  });
});

describe('login', () => {
  test('answers with tokens and the user, and forbids caching', async () => {
    const person = await createPerson(app);
    const answer = await login(person.email);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toEqual({
      accessToken: expect.any(String),
      refreshToken: expect.any(String),
      expiresInSeconds: 900,
      user: { userId: person.userId, email: person.email, role: 'USER' },
    });
    expect((await me(answer.body.accessToken)).body.userId).toBe(person.userId);
  });

  test('unknown user, wrong password and disabled user cannot be told apart', async () => {
    const known = await createPerson(app);
    const disabled = await createPerson(app);
    await app.db.user.update({ where: { id: disabled.userId }, data: { disabledAt: now } });
    const answers = [
      await login('nobody@example.org'),
      await login(known.email, 'wrong-password'),
      await login(disabled.email),
    ];
    const bodies = answers.map(({ body: { error } }) => ({ ...error, requestId: '' }));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
  });

  test('an unknown user costs the same time as a wrong password', async () => {
    const { email } = await createPerson(app);
    const median = async (address: string): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < 9; i += 1) {
        const started = performance.now();
        await login(address, 'wrong-password');
        times.push(performance.now() - started);
      }
      return times.sort((a, b) => a - b)[4] ?? 0;
    };
    await median(email);
    const [known, unknown] = [await median(email), await median('nobody@example.org')];
    // Without the decoy hash an unknown user answers in a fifth of the time or less.
    expect(unknown).toBeGreaterThan(known / 2);
  });
});

describe('refresh', () => {
  test('rotates: the new tokens work, and a spent one ends the whole session', async () => {
    const { email } = await createPerson(app);
    const first = (await login(email)).body;
    const second = await app.anonymous.post('/api/auth/refresh', { refreshToken: first.refreshToken });
    expect(second.status).toBe(200);
    expect((await me(second.body.accessToken)).status).toBe(200);

    const replay = await app.anonymous.post('/api/auth/refresh', { refreshToken: first.refreshToken });
    expect(replay.status).toBe(401);
    expect((await me(second.body.accessToken)).status).toBe(401);
    expect((await app.anonymous.post('/api/auth/refresh', { refreshToken: second.body.refreshToken })).status).toBe(
      401,
    );
  });

  test('of many that spend the same token at once at most one gets through', async () => {
    const { email } = await createPerson(app);
    const { refreshToken } = (await login(email)).body;
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => app.anonymous.post('/api/auth/refresh', { refreshToken })),
    );
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
    expect(answers.filter(({ status }) => status === 401).length).toBeGreaterThanOrEqual(7);
  });

  test('an expired token, an access token and a made-up one are refused', async () => {
    const { email } = await createPerson(app);
    const { refreshToken, accessToken } = (await login(email)).body;
    for (const token of [accessToken.slice(0, 200), 'made-up']) {
      expect((await app.anonymous.post('/api/auth/refresh', { refreshToken: token })).status).toBe(401);
    }
    now = new Date(now.getTime() + 3601_000);
    expect((await app.anonymous.post('/api/auth/refresh', { refreshToken })).status).toBe(401);
  });
});

describe('logout', () => {
  test('ends this session at once and leaves the others of the user alone', async () => {
    const { email } = await createPerson(app);
    const [one, other] = [(await login(email)).body, (await login(email)).body];
    expect((await app.anonymous.with(one.accessToken).post('/api/auth/logout')).status).toBe(204);
    expect((await me(one.accessToken)).status).toBe(401);
    expect((await app.anonymous.post('/api/auth/refresh', { refreshToken: one.refreshToken })).status).toBe(401);
    expect((await me(other.accessToken)).status).toBe(200);
  });

  test('works with the refresh token alone, and refuses a caller with neither', async () => {
    const { email } = await createPerson(app);
    const { accessToken, refreshToken } = (await login(email)).body;
    expect((await app.anonymous.post('/api/auth/logout', { refreshToken })).status).toBe(204);
    expect((await me(accessToken)).status).toBe(401);
    expect((await app.anonymous.post('/api/auth/logout')).status).toBe(401);
  });
});

describe('access tokens', () => {
  test('end after their lifetime', async () => {
    const { token } = await createPerson(app);
    now = new Date(Date.now() + 899_000);
    expect((await me(token)).status).toBe(200);
    now = new Date(Date.now() + 901_000);
    expect((await me(token)).status).toBe(401);
  });

  test('end at once when the role changes or the user is disabled', async () => {
    const admin = await createPerson(app, 'ADMIN');
    for (const change of [{ role: 'VIEWER' }, { disabled: true }]) {
      const person = await createPerson(app);
      expect((await admin.client.patch(`/api/users/${person.userId}`, change)).status).toBe(200);
      expect((await me(person.token)).status).toBe(401);
    }
  });

  test('forged ones all answer alike', async () => {
    const person = await createPerson(app);
    const genuine = jwt.decode(person.token, { complete: true });
    const claims = genuine?.payload as jwt.JwtPayload;
    const { iss: _iss, aud: _aud, sub: _sub, ...rest } = claims;
    const base64 = (value: unknown) =>
      Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
    const signed = (header: object, payload: object, secret = JWT_SECRET): string => {
      const body = `${base64(header)}.${base64(payload)}`;
      return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
    };
    const header = { alg: 'HS256', typ: 'at+jwt' };
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const [h = '', p = '', s = ''] = person.token.split('.');
    const seconds = Math.floor(now.getTime() / 1000); // The application's clock, which stands still.
    const forged = [
      `${base64({ alg: 'none', typ: 'at+jwt' })}.${p}.`,
      `${base64({ alg: 'NONE', typ: 'at+jwt' })}.${p}.${s}`,
      `${base64({ alg: 'none' })}.${p}.${s}`,
      jwt.sign(claims, privateKey, { algorithm: 'RS256', header: { ...header, alg: 'RS256' } }),
      signed({ ...header, alg: 'RS256' }, claims),
      signed(header, claims, pem),
      signed(header, claims, 'another-secret-another-secret-xx'),
      signed(header, claims, ''),
      jwt.sign(claims, JWT_SECRET, { algorithm: 'HS512', header: { ...header, alg: 'HS512' } }),
      signed({ ...header, alg: 'HS384' }, claims),
      signed({ ...header, kid: '../../dev/null' }, claims, 'x'),
      signed({ ...header, kid: "' OR 1=1 --" }, claims, 'x'),
      signed({ ...header, jku: 'http://127.0.0.1/keys' }, claims, 'x'),
      signed({ ...header, x5u: 'http://127.0.0.1/keys' }, claims, 'x'),
      signed({ ...header, jwk: { kty: 'oct', k: base64('x') } }, claims, 'x'),
      signed({ alg: 'HS256' }, claims),
      signed({ alg: 'HS256', typ: 'JWT' }, claims),
      signed({ alg: 'HS256', typ: 'refresh' }, claims),
      signed(header, { ...claims, iss: 'someone' }),
      signed(header, { ...claims, aud: 'wlops-trainer' }),
      signed(header, { ...claims, aud: undefined }),
      signed(header, { ...claims, exp: seconds - 1 }),
      signed(header, { ...claims, exp: undefined }),
      signed(header, { ...claims, exp: 'never' }),
      signed(header, { ...claims, nbf: seconds + 3600 }),
      signed(header, { ...claims, sub: String(person.userId + 1) }),
      signed(header, { ...claims, sub: '1; DROP TABLE users' }),
      signed(header, { ...claims, sub: undefined }),
      signed(header, { ...claims, sub: '-1' }),
      signed(header, { ...claims, sid: undefined }),
      signed(header, { ...claims, sid: '00000000-0000-4000-8000-000000000000' }),
      signed(header, { ...claims, sid: { not: null } }),
      signed(header, { ...claims, ver: (claims.ver as number) + 1 }),
      signed(header, { ...claims, ver: null }),
      signed(header, rest),
      signed(header, []),
      `${h}.${p}.${s.slice(0, -2)}`,
      `${h}.${p}`,
      `${h}.${base64({ ...claims, sub: '1' })}.${s}`,
      'not-a-token',
      '..',
    ];
    expect(forged.length).toBeGreaterThanOrEqual(40);
    const bodies = new Set<string>();
    for (const token of forged) {
      const answer = await me(token);
      expect({ token, status: answer.status }).toEqual({ token, status: 401 });
      bodies.add(JSON.stringify({ ...answer.body.error, requestId: '' }));
    }
    expect(bodies.size).toBe(1);
    expect((await me(person.token)).status).toBe(200);
  });
});

describe('rate limits', () => {
  test('one account is tried ten times, then 429 with Retry-After; others are not touched', async () => {
    const limited = await openTestApp({ settings: { rateLimits: undefined } });
    try {
      const [victim, other] = [await createPerson(limited), await createPerson(limited)];
      const guess = (email: string, password: string) => limited.anonymous.post('/api/auth/login', { email, password });
      const statuses: number[] = [];
      for (let i = 0; i < 14; i += 1) {
        const spelling = i % 2 ? victim.email.toUpperCase() : victim.email;
        statuses.push((await guess(spelling, 'wrong-password')).status);
      }
      expect(statuses).toEqual([...Array<number>(10).fill(401), ...Array<number>(4).fill(429)]);
      const late = await guess(victim.email, PASSWORD);
      expect([late.status, late.body.error.code]).toEqual([429, 'RATE_LIMITED']);
      expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(800);
      for (let i = 0; i < 12; i += 1) expect((await guess(other.email, PASSWORD)).status).toBe(200);
    } finally {
      await limited.close();
    }
  });
});
