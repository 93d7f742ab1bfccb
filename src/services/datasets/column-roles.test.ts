import golden from '../../contracts/examples/column-roles.json';
import { columnRolesFault } from './column-roles';

test.each(golden.map(({ name, columns, fault }) => [name, columns, fault] as const))(
  'roles of columns are taken and refused in the words of the optimizer: %s',
  (_name, columns, fault) => {
    expect(columnRolesFault(columns)).toBe(fault);
  },
);
