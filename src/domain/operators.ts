/** What a task asks of the optimizer beyond what it does by itself, or refuses. Pure. */

export interface Operators {
  /** Put `<e-mail>`, `<ip>`, `<phone>` and `<link>` in the place of what points to a person. */
  maskPersonalData: boolean;
  /** Caps on the training rows of a label and of a near-duplicate group; null is no cap. */
  maxRowsPerClass: number | null;
  maxRowsPerGroup: number | null;
  /** Whether a teacher may be shown rows and write some, where the installation has one. */
  useTeacher: boolean;
}

/** As a user names them, or a row keeps them. */
export type AskedOperators = { [Name in keyof Operators]?: Operators[Name] | null | undefined };

/** Masks and caps that are not named are off; a teacher is for all tasks that do not refuse it. */
export function operatorsOf(asked: AskedOperators): Operators {
  const { maskPersonalData, maxRowsPerClass, maxRowsPerGroup, useTeacher } = asked;
  return {
    maskPersonalData: maskPersonalData ?? false,
    maxRowsPerClass: maxRowsPerClass ?? null,
    maxRowsPerGroup: maxRowsPerGroup ?? null,
    useTeacher: useTeacher ?? true,
  };
}
