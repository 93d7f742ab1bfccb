import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { toAppError } from '../http/errors';
import { S3ObjectStore } from './s3-object-store';

let silent: Server;
let store: S3ObjectStore;
let patient: S3ObjectStore;
const sockets: Socket[] = [];
beforeAll(async () => {
  silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const options = {
    endpoint: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    region: 'us-east-1',
    accessKeyId: 'x',
    secretAccessKey: 'x',
    bucket: 'wlops',
  };
  store = new S3ObjectStore({ ...options, stallMs: 50 });
  patient = new S3ObjectStore({ ...options, readMs: 100 });
});
afterAll(() => {
  store.close();
  patient.close();
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test('a server that takes requests and never answers holds an upload only for a while', async () => {
  const upload = store.upload('datasets/1/x/raw', Readable.from([Buffer.from('a,b\n')]), 'text/csv');
  const fault: unknown = await upload.done.catch((error: unknown) => error);
  expect(toAppError(fault)).toMatchObject({ code: 'STORAGE_UNAVAILABLE', retryAfterSeconds: 5 });
  await expect(upload.discard(new Error('given up'))).rejects.toMatchObject({ name: 'TimeoutError' });
}, 10_000);

test('and neither a read nor a ping', async () => {
  await expect(store.read('datasets/1/x/raw')).rejects.toMatchObject({ name: 'TimeoutError' });
  await expect(store.ping()).rejects.toMatchObject({ name: 'TimeoutError' });
}, 10_000);

test('a ping and a read are given up sooner than a stall', async () => {
  const [ping, read] = await Promise.allSettled([patient.ping(), patient.read('datasets/1/x/raw')]);
  expect(ping).toMatchObject({ status: 'rejected', reason: { name: 'TimeoutError' } });
  expect(read).toMatchObject({ status: 'rejected', reason: { name: 'TimeoutError' } });
}, 10_000);
