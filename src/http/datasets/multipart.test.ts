import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Request } from 'express';
import { receiveForm } from './multipart';

const FORM = '--b\r\ncontent-disposition: form-data; name="file"; filename="x.csv"\r\n\r\na,b\r\n--b--\r\n';

/** A request of which the client sends `share` and then leaves, as a server sees it that looks at it only afterwards. */
async function abandonedRequest(share: number): Promise<IncomingMessage> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const arrived = once(server, 'request') as Promise<[IncomingMessage]>;
  socket.write(
    `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: ${FORM.length}\r\n\r\n`,
  );
  socket.write(FORM.slice(0, FORM.length * share));
  const [req] = await arrived;
  const gone = new Promise((resolve) => req.once('close', resolve));
  socket.end(() => socket.destroy());
  await gone;
  server.close();
  return req;
}

test.each([0.5, 1])(
  'a client that left before its form was looked at, with %d of it sent, is a fault and no endless wait',
  async (share) => {
    const req = (await abandonedRequest(share)) as Request;
    const opened: string[] = [];
    const form = receiveForm(req, {
      maxFileBytes: 1000,
      fieldNames: [],
      open: () => {
        opened.push('file');
        return { done: Promise.resolve(), discard: () => Promise.resolve() };
      },
      finish: () => Promise.resolve('stored'),
    });
    await expect(form).rejects.toMatchObject({ code: 'MALFORMED_REQUEST', message: 'the upload ended early' });
    expect(opened).toEqual([]);
  },
  5_000,
);
