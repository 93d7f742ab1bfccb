/** Operators of the optimizer that are off unless a task asks for them. Pure. */

export interface Operators {
  /** Put `<e-mail>`, `<ip>`, `<phone>` and `<link>` in the place of what points to a person. */
  maskPersonalData: boolean;
  /** Caps on the training rows of a label and of a near-duplicate group; null is no cap. */
  maxRowsPerClass: number | null;
  maxRowsPerGroup: number | null;
}

/** As a user names them, or a row keeps them. */
export type AskedOperators = { [Name in keyof Operators]?: Operators[Name] | null | undefined };

/** What is not named is off. */
export function operatorsOf(asked: AskedOperators): Operators {
  const { maskPersonalData, maxRowsPerClass, maxRowsPerGroup } = asked;
  return {
    maskPersonalData: maskPersonalData ?? false,
    maxRowsPerClass: maxRowsPerClass ?? null,
    maxRowsPerGroup: maxRowsPerGroup ?? null,
  };
}
