import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { ContentMeter } from './content-meter';

/** What the meter says to a file that arrives in pieces of `size` bytes: null when it lets it pass. */
async function fault(file: Buffer, size: number): Promise<string | null> {
  const meter = new ContentMeter();
  meter.resume();
  const ended = new Promise<string | null>((resolve) => {
    meter.once('error', (error) => resolve(error.message)).once('end', () => resolve(null));
  });
  for (let at = 0; at < file.length && !meter.destroyed; at += size) meter.write(file.subarray(at, at + size));
  if (!meter.destroyed) meter.end();
  return ended;
}

const ARCHIVES: [string, string][] = [
  ['504b0304', 'a zip archive or an office document'],
  ['255044462d312e37', 'a PDF'],
  ['d0cf11e0a1b11ae1', 'an old office document'],
  ['377abcaf271c', 'a 7z archive'],
  ['425a6839314159265359', 'a bzip2 archive'],
  ['fd377a585a00', 'an xz archive'],
  ['28b52ffd', 'a zstd archive'],
  ['7b5c72746631', 'an RTF document'],
  ['526172211a0700', 'a RAR archive'],
  [`${'61'.repeat(257)}757374617200`, 'a tar archive'],
  ['89504e470d0a1a0a', 'a picture'],
  ['ffd8ffe0', 'a picture'],
  ['4152524f57310000', 'an Arrow file'],
  ['53514c69746520666f726d61742033', 'a database'],
  ['894844460d0a', 'an HDF5 file'],
  ['934e554d5059', 'a NumPy file'],
  ['80049595', 'a Python pickle'],
  ['7f454c46', 'a program'],
  ['4d5a900003', 'a program'],
];

test.each(ARCHIVES.flatMap(([begins, kind]) => [1, 4096].map((size) => [kind, size, begins] as const)))(
  '%s that arrives %d bytes at a time is refused, gzipped as well',
  async (kind, size, begins) => {
    const file = Buffer.concat([Buffer.from(begins, 'hex'), Buffer.alloc(99, 'x')]);
    const refusal = `file: is ${kind}; upload CSV, TSV, JSONL or Parquet, plain or gzip`;
    expect(await fault(file, size)).toBe(refusal);
    expect(await fault(gzipSync(file), size)).toBe(refusal);
  },
);

test.each([
  'BZhejiang is a province,geo\n',
  'PK,label\n',
  '7zip is a program,software\n',
  '%PDF is its mark,pdf\n',
  'MZ stands for a name,x\n',
  'FEA1,feature\n',
  '<!DOCTYPE html><html>…</html>\tspam\n',
  '<br />what a film,pos\n',
])('text that begins alike passes: %j', async (text) => {
  expect(await fault(Buffer.from(text), 1)).toBeNull();
});

test.each([1, 7, 4096])(
  'bytes, hash and records are those of the file, %d bytes at a time, gzipped as well',
  async (size) => {
    const json = Buffer.from('             [{"text": "a", "label": "b"},\n {"text": "c", "label": "d"}]\n');
    for (const file of [json, gzipSync(json), Buffer.from('a')]) {
      const meter = new ContentMeter();
      const passed: Buffer[] = [];
      meter.on('data', (chunk: Buffer) => passed.push(chunk));
      for (let at = 0; at < file.length; at += size) meter.write(file.subarray(at, at + size));
      await once(meter.end(), 'end');
      expect(Buffer.concat(passed)).toEqual(file);
      expect(meter.facts({ format: null, columns: null })).toEqual({
        bytes: file.length,
        sha256: createHash('sha256').update(file).digest('hex'),
        sampleCount: file.length === 1 ? 1 : 2,
      });
    }
  },
);
