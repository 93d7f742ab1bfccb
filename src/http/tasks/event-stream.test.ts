import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import { streamEvents } from './event-stream';

/** Serves `stream` at `/` while `work` runs. */
async function serving(stream: RequestHandler, work: (port: number) => Promise<void>): Promise<void> {
  const server = createServer(express().get('/', stream)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await work((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test('a client that left while its task was looked up is not looked after', async () => {
  const progress = new EventEmitter();
  let polls = 0;
  const stream: RequestHandler = async (req, res) => {
    const closed = once(res, 'close');
    progress.emit('arrived');
    await closed;
    const eventsAfter = () => Promise.resolve({ events: [], ended: (polls += 1) > 50 });
    await streamEvents(req, res, { eventsAfter, present: String, pollMs: 1, draining: new AbortController().signal });
    progress.emit('over');
  };
  await serving(stream, async (port) => {
    const socket = connect(port, '127.0.0.1');
    const [arrived, over] = [once(progress, 'arrived'), once(progress, 'over')];
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await arrived;
    socket.destroy();
    await over;
    expect(polls).toBeLessThanOrEqual(1);
  });
});

test('a stream ends when the process drains, however long its task goes on', async () => {
  const draining = new AbortController();
  const eventsAfter = () => Promise.resolve({ events: [], ended: false });
  const stream: RequestHandler = (req, res) =>
    streamEvents(req, res, { eventsAfter, present: String, pollMs: 3_600_000, draining: draining.signal });
  await serving(stream, async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(5_000) });
    draining.abort();
    expect(await response.text()).toBe('retry: 2000\n\n');
  });
});
