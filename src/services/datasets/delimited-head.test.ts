import golden from '../../contracts/examples/delimited-heads.json';
import { headRecords } from './delimited-head';
import { hasHeader } from './header';
import { RecordCounter } from './record-counter';

interface Case {
  name: string;
  header: boolean;
  records: number;
  columns: string[];
  /** The fields of the first record that is data. */
  first: string[];
  /** The columns that the user names. */
  given?: Record<string, string>;
  lines: string[];
  /** The first lines, 1 unless told, come once, the others so many `times`, with their running number for `{n}`. */
  top?: number;
  times?: number;
}

function textOf({ lines, top = 1, times = 1 }: Case): string {
  const body = Array.from({ length: times }, () => lines.slice(top)).flat();
  const numbered = body.map((line, index) => line.replaceAll('{n}', String(index + 1)));
  return [...lines.slice(0, top), ...numbered].map((line) => `${line}\n`).join('');
}

test.each((golden as Case[]).map((one) => [one.name, one] as const))(
  'header and records are those the optimizer reads: %s',
  (_name, one) => {
    const text = textOf(one);
    const counter = new RecordCounter();
    counter.write(Buffer.from(text));
    const head = headRecords(text, null, one.given ?? {}, false);
    const header = hasHeader(head);
    expect({ header, names: head[0]?.map((cell, index) => (header ? cell : String(index))) }).toEqual({
      header: one.header,
      names: one.columns,
    });
    expect(head[header ? 1 : 0]).toEqual(one.first);
    expect(counter.count({ format: null, columns: one.given ?? null })).toBe(one.records);
  },
);
