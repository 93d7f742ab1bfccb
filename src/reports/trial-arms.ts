/** How the optimizer names the arms of a trial: by their kind or as `teacher`, and `control <arm>` for as many random rows beside it. */
const CONTROL = 'control ';

export function isControl(arm: string): boolean {
  return arm.startsWith(CONTROL);
}

/** The name of the random arm beside an arm. */
export function controlOf(arm: string | undefined): string {
  return `${CONTROL}${arm ?? ''}`;
}
