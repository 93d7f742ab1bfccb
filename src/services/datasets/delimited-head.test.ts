import golden from '../../contracts/examples/delimited-heads.json';
import { headRecords } from './delimited-head';
import { hasHeader } from './header';
import { RecordCounter } from './record-counter';

const cases = golden.map(({ name, lines, ...expected }) => [name, `${lines.join('\n')}\n`, expected] as const);

test.each(cases)(
  'header and records are those the optimizer reads: %s',
  (_name, text, { header, records, columns }) => {
    const counter = new RecordCounter();
    counter.write(Buffer.from(text));
    const head = headRecords(text, null, false);
    expect(hasHeader(head)).toBe(header);
    expect(head[0]?.map((cell, index) => (header ? cell : String(index)))).toEqual(columns);
    expect(counter.count({ format: null, columns: null })).toBe(records);
  },
);
