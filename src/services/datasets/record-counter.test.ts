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
  ['blank lines', 'text,label\n\na,b\n\n', {}, 1],
  ['quoted line breaks', 'text,label\n"a\nb",x\n"c",y\n', {}, 2],
  ['doubled quotes', 'text,label\n"say ""hi""\nnow",x\n', {}, 1],
  ['quotes inside an unquoted field', 'text,label\n5" pipe,x\n6" pipe,y\n7" pipe,z\n', {}, 3],
  ['a quote that never closes', 'text,label\n"a,x\nb,y\nc,z\n', {}, 3],
  ['a header in quotes', '"text";"label"\na;b\n', {}, 1],
  ['no header', 'what a film,1\nso dull,0\n', {}, 2],
  ['two equal cells are no header', 'text,text\na,b\n', {}, 2],
  ['tabs', 'question\tanswer\n1+1\t2\n', {}, 1],
  ['JSONL', '{"text":"a"}\n{"text":"b\\n"}\n', {}, 2],
  ['JSONL said to be so', ' {"a":1}\n', { format: 'jsonl' }, 1],
  ['Parquet by its mark', 'PAR1....', {}, null],
  ['nothing', '', {}, 0],
])('%s', (_case, text, hints, expected) => {
  expect(count(text, hints)).toBe(expected);
});

test('UTF-16 is not counted', () => {
  expect(count(Buffer.from('\uFEFFtext,label\n', 'utf16le'))).toBeNull();
});

test('how the bytes are cut into chunks does not matter', () => {
  const field = fc.string({ maxLength: 12 }).map((text) => `"${text.replaceAll('"', '""')}"`);
  const table = fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(table, fc.integer({ min: 4, max: 40 }), (rows, chunkBytes) => {
      const text = `text,label\n${rows.map((row) => `${row.join(',')},x`).join('\n')}\n`;
      expect(count(text, {}, chunkBytes)).toBe(rows.length);
      expect(count(text)).toBe(rows.length);
    }),
  );
});
