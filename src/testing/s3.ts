/** A real S3 server (versitygw) on a free port over a temporary folder, for one test file. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { S3Options } from '../storage/s3-object-store';
import { until } from './until';

export interface TestS3 {
  options: S3Options;
  /** Where each bucket is a folder, and each object a file by its key. */
  folder: string;
  stop(): Promise<void>;
}

function versitygw(): string {
  const named = process.env.WLOPS_VERSITYGW;
  const onPath = (process.env.PATH ?? '').split(path.delimiter).map((folder) => path.join(folder, 'versitygw'));
  const file = [...(named ? [named] : []), ...onPath].find((candidate) => existsSync(candidate));
  if (file) return file;
  throw new Error(
    'the tests need an S3 server: put `versitygw` on PATH, or name its file in WLOPS_VERSITYGW. `npm test` gets it by itself.',
  );
}

/** Below 32768, where outgoing connections do not take ports. */
async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error('no free port found');
}

export async function startTestS3(): Promise<TestS3> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wlops-s3-'));
  mkdirSync(path.join(folder, 'data'));
  const port = await freePort();
  const credentials = { accessKeyId: 'test-access', secretAccessKey: 'test-secret-key' };
  const child = spawn(versitygw(), ['--port', `127.0.0.1:${port}`, 'posix', path.join(folder, 'data')], {
    env: { ...process.env, ROOT_ACCESS_KEY: credentials.accessKeyId, ROOT_SECRET_KEY: credentials.secretAccessKey },
    stdio: 'ignore',
  });
  const stop = async (): Promise<void> => {
    const exited = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await until('versitygw to answer', () => {
      if (child.exitCode !== null) throw new Error(`versitygw ended with ${child.exitCode}`);
      return fetch(endpoint).then(
        () => true,
        () => false,
      );
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const options = { endpoint, region: 'us-east-1', bucket: 'wlops-test', ...credentials };
  return { options, folder: path.join(folder, 'data'), stop };
}
