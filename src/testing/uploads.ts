/** Uploads byte by byte, and what they leave in the object store. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ListMultipartUploadsCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import type { TestApp } from './app';
import type { Person } from './factories';

export const MIB = 1024 ** 2;
export const FIELDS = { name: 'questions', datasetType: 'training' };
export const CSV = 'text,label\nhello,greeting\n"a ""quoted"", two\nline text",other\nbye,farewell\n';

/** Keys of objects and of open multipart uploads of one user. */
export async function leftovers(app: TestApp, userId: number): Promise<string[]> {
  const { client, bucket } = app.store as unknown as { client: S3Client; bucket: string };
  const prefix = `datasets/${userId}/`;
  const objects = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
  const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }));
  return [...(objects.Contents ?? []), ...(uploads.Uploads ?? [])].map(({ Key }) => Key ?? '');
}

const FORM_START =
  Object.entries(FIELDS)
    .map(([name, value]) => `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
    .join('') + '--b\r\ncontent-disposition: form-data; name="file"; filename="x.csv"\r\n\r\n';
/** What ends a form that `beginUpload` began. */
export const FORM_END = '\r\n--b--\r\n';

/** A connection on which everything before a file of `size` bytes has been sent. */
export async function beginUpload({ url }: TestApp, person: Person, size: number): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(
    `POST /api/datasets/upload HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${person.token}\r\n` +
      `content-type: multipart/form-data; boundary=b\r\n` +
      `content-length: ${FORM_START.length + size + FORM_END.length}\r\n\r\n${FORM_START}`,
  );
  return socket;
}

/** Uploads without saying how long the body is. */
export function uploadChunked({ client }: Person, file: Uint8Array) {
  async function* body() {
    yield Buffer.from(FORM_START);
    for (let at = 0; at < file.length; at += MIB) yield file.subarray(at, at + MIB);
    yield Buffer.from(FORM_END);
  }
  const headers = { 'content-type': 'multipart/form-data; boundary=b' };
  return client.raw('POST', '/api/datasets/upload', { body: ReadableStream.from(body()), headers });
}
