import fc from 'fast-check';
import { RecordCounter, type RecordHints } from './record-counter';

const NO_HINTS: RecordHints = { format: null, columns: null };

function count(text: string | Buffer, hints: Partial<RecordHints> = {}, chunkBytes = Infinity): number | null {
  const counter = new RecordCounter();
  const bytes = Buffer.from(text as string);
  for (let at = 0; at < bytes.length; at += Math.min(chunkBytes, bytes.length)) {
    counter.write(bytes.subarray(at, at + chunkBytes));
  }
  return counter.count({ ...NO_HINTS, ...hints });
}

test.each<[string, string, Partial<RecordHints>, number | null]>([
  ['header and rows', 'text,label\na,b\nc,d\n', {}, 2],
  ['no line end after the last row', 'text,label\na,b', {}, 1],
  ['CRLF', 'text,label\r\na,b\r\n', {}, 1],
  ['a byte order mark', '\uFEFFtext,label\na,b\n', {}, 1],
  ['the line that tells Excel the delimiter', 'sep=;\r\ntext;label\r\na;b\r\n', {}, 1],
  ['the same in quotes, and no header', '"sep=;"\nwhat a film;1\nso dull;0\n', {}, 2],
  ['blank lines', 'text,label\n\na,b\n\n', {}, 1],
  ['carriage returns alone', 'text,label\ra,b\rc,d\r', {}, 2],
  ['carriage returns alone, the last row without', 'text,label\ra,b\rc,d', {}, 2],
  ['quoted line breaks', 'text,label\n"a\nb",x\n"c",y\n', {}, 2],
  ['doubled quotes', 'text,label\n"say ""hi""\nnow",x\n', {}, 1],
  ['quotes inside an unquoted field', 'text,label\n5" pipe,x\n6" pipe,y\n7" pipe,z\n', {}, 3],
  ['one beside a line break in a quoted field', 'text,label\n5" pipe,x\n"two\nlines",y\n', {}, 2],
  ['a quote that never closes', 'text,label\n"a,x\nb,y\nc,z\n', {}, 3],
  ['a header in quotes', '"text";"label"\na;b\n', {}, 1],
  ['no header', 'what a film,1\nso dull,0\n', {}, 2],
  ['v1 and v2', 'v1,v2\nham,"ok, bye"\nspam,win now\n', {}, 2],
  ['camel case', 'reviewText,overall\nvery good,5.0\nso so,3.0\n', {}, 2],
  ['unknown names above numbers', 'foo;bar\nw1;-3.5\nw2;2,5\n', {}, 2],
  ['columns by name', 'satz;absicht\na;b\n', { columns: { text: 'satz', label: 'absicht' } }, 1],
  ['TSV said to be so', 'a,b\tlabel\n1,2\tx\n', { format: 'tsv' }, 1],
  ['two equal cells are no header', 'text,text\na,b\n', {}, 2],
  ['tabs', 'question\tanswer\n1+1\t2\n', {}, 1],
  ['JSONL', '{"text":"a"}\n{"text":"b\\n"}\n', {}, 2],
  ['JSONL said to be so', ' {"a":1}\n', { format: 'jsonl' }, 1],
  ['JSONL of arrays', '["text","label"]\n["a","b"]\n', {}, 2],
  ['JSONL, one row', '{"text":"a"}\n', {}, 1],
  ['JSONL with a broken line', '{"text":"a"}\n{"text":\n{"text":"c"}\n', {}, 3],
  ['an array on one line', '[{"text":"a, [b] {"},{"text":"\\"c"}]', {}, 2],
  ['a pretty array', JSON.stringify([{ text: 'a', tags: ['x', 'y'] }, { text: 'b' }, { text: '}' }], null, 2), {}, 3],
  ['an array with a byte order mark', '\uFEFF[1,2]', {}, 2],
  ['an empty array', '[ ]', {}, 0],
  ['an array that breaks off', '[{"text":"a"},', {}, null],
  ['an array and something after it', '[\n{"text":"a"}\n]\nmore', {}, null],
  ['JSON by columns', '{"text":["a","b"],"label":[0,1]}', {}, null],
  ['pretty JSON by columns', '{\n "text": ["a"],\n "label": [0]\n}\n', {}, null],
  ['Parquet by its mark', 'PAR1....', {}, null],
  ['nothing', '', {}, 0],
])('%s', (_case, text, hints, expected) => {
  expect(count(text, hints)).toBe(expected);
});

test.each([Infinity, 512])(
  'a label and texts with unquoted commas, sorted by class, in chunks of %s bytes',
  (chunkBytes) => {
    const row = (label: string) => (_: unknown, at: number) =>
      `${label},well, ${at % 3 ? 'yes, it is, ' : ''}so ${at}\n`;
    const rows = ['ham', 'spam'].flatMap((label) => Array.from({ length: 600 }, row(label)));
    expect(count(`label,text\n${rows.join('')}`, {}, chunkBytes)).toBe(1200);
  },
);

test('UTF-16 is not counted', () => {
  expect(count(Buffer.from('\uFEFFtext,label\n', 'utf16le'))).toBeNull();
});

test('of the beginning only so much is kept as the header needs', () => {
  const counter = new RecordCounter();
  const chunk = Buffer.from('a sentence of five words,x\n'.repeat(40_000));
  counter.write(Buffer.from('foo,bar\n'));
  for (let i = 0; i < 20; i += 1) counter.write(chunk);
  expect((counter as unknown as { headBytes: number }).headBytes).toBeLessThanOrEqual(1024 ** 2);
  expect(counter.count(NO_HINTS)).toBe(20 * 40_000);
});

test('an array is counted alike however it is cut', () => {
  const rows = fc.array(fc.jsonValue({ maxDepth: 2 }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 9 }), fc.boolean(), (values, chunkBytes, pretty) => {
      expect(count(JSON.stringify(values, null, pretty ? 2 : 0), {}, chunkBytes)).toBe(values.length);
    }),
  );
});

test('how the bytes are cut into chunks does not matter', () => {
  const field = fc.string({ maxLength: 12 }).map((text) => `"${text.replaceAll('"', '""')}"`);
  const table = fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(table, fc.integer({ min: 4, max: 40 }), (rows, chunkBytes) => {
      const text = `text,other,label\n${rows.map((row) => `${row.join(',')},x`).join('\n')}\n`;
      expect(count(text, {}, chunkBytes)).toBe(rows.length);
      expect(count(text)).toBe(rows.length);
    }),
  );
});
