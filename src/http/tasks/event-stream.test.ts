import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import express from 'express';
import { streamEvents } from './event-stream';

test('a client that left while its task was looked up is not looked after', async () => {
  const app = express();
  const progress = new EventEmitter();
  let polls = 0;
  app.get('/', async (req, res) => {
    const closed = once(res, 'close');
    progress.emit('arrived');
    await closed;
    const eventsAfter = () => Promise.resolve({ events: [], ended: (polls += 1) > 50 });
    await streamEvents(req, res, { eventsAfter, present: String, pollMs: 1, draining: new AbortController().signal });
    progress.emit('over');
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [arrived, over] = [once(progress, 'arrived'), once(progress, 'over')];
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await arrived;
  socket.destroy();
  await over;
  expect(polls).toBeLessThanOrEqual(1);
  await new Promise((resolve) => server.close(resolve));
});
