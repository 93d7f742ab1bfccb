import { openTestApp, type TestApp } from '../../testing/app';
import { createPerson } from '../../testing/factories';

let app: TestApp;
beforeAll(async () => {
  app = await openTestApp();
});
afterAll(() => app.close());

test('only administrators see and change users', async () => {
  const [user, viewer, admin] = [
    await createPerson(app),
    await createPerson(app, 'VIEWER'),
    await createPerson(app, 'ADMIN'),
  ];
  for (const { client } of [user, viewer]) {
    expect((await client.get('/api/users')).status).toBe(403);
    expect((await client.patch(`/api/users/${user.userId}`, { role: 'ADMIN' })).status).toBe(403);
  }
  expect((await app.anonymous.get('/api/users')).status).toBe(401);
  expect((await app.db.user.findUniqueOrThrow({ where: { id: user.userId } })).role).toBe('USER');

  const changed = await admin.client.patch(`/api/users/${user.userId}`, { role: 'VIEWER', disabled: true });
  expect(changed.body).toMatchObject({ userId: user.userId, role: 'VIEWER', disabled: true });
  expect((await app.db.user.findUniqueOrThrow({ where: { id: user.userId } })).disabledAt).not.toBeNull();
});

test('the list has everyone once, newest first, page by page', async () => {
  const admin = await createPerson(app, 'ADMIN');
  const made = [await createPerson(app), await createPerson(app), await createPerson(app)].map(({ userId }) => userId);
  const seen: number[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page = await admin.client.get(`/api/users?limit=2${cursor ? `&cursor=${cursor}` : ''}`);
    expect(page.status).toBe(200);
    expect(page.body.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.body.items.map((item: { userId: number }) => item.userId));
    cursor = page.body.nextCursor;
  }
  expect(seen.filter((id) => made.includes(id))).toEqual([...made].reverse());
  expect(new Set(seen).size).toBe(seen.length);
});

test('an administrator cannot change oneself, and a user nobody has is missing', async () => {
  const admin = await createPerson(app, 'ADMIN');
  expect((await admin.client.patch(`/api/users/${admin.userId}`, { role: 'USER' })).status).toBe(409);
  for (const id of ['2147483000', '99999999999999', 'abc', '-1', '0', '1.5']) {
    expect((await admin.client.patch(`/api/users/${id}`, { role: 'USER' })).status).toBe(404);
  }
  expect((await admin.client.patch(`/api/users/${admin.userId}`, {})).status).toBe(422);
});

test('a cursor beyond what an id can be is refused, naming it', async () => {
  const admin = await createPerson(app, 'ADMIN');
  const list = (id: bigint) => admin.client.get(`/api/users?cursor=${Buffer.from(String(id)).toString('base64url')}`);
  expect((await list(2n ** 31n - 1n)).status).toBe(200);
  const answer = await list(2n ** 31n);
  expect([answer.status, answer.body.error.message]).toEqual([422, 'cursor: is not a cursor of ours']);
});
