/** The values of a file of JSON lines, but for lines that are not whole; `tell` is told of those, standard error where it is absent. */
export function readJsonLines(file: string, tell?: (line: string) => void): any[];
/** Adds a line, below half a one if a killed process left that. */
export function addJsonLine(file: string, value: unknown): void;
