import golden from '../../contracts/examples/headers.json';
import { hasHeader } from './header';

test.each(golden.map(({ name, header, lines }) => [name, header, lines] as const))(
  'the first record is taken for a header exactly as the optimizer takes it: %s (%s)',
  (_name, header, lines) => {
    expect(hasHeader(lines.map((line) => line.split('\t')))).toBe(header);
  },
);

test('nothing has no header', () => {
  expect(hasHeader([])).toBe(false);
});
