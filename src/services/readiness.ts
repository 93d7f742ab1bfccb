/** Is everything that the control centre needs there? Each check has a name and a deadline of its own. */

export type ReadinessCheck = () => Promise<void>;

export interface Readiness {
  ready: boolean;
  /** By dependency: `ok`, or why not. */
  checks: Record<string, string>;
}

const TIMEOUT_MS = 3_000;

/** Runs all checks at once; never rejects. */
export async function readiness(checks: Record<string, ReadinessCheck>): Promise<Readiness> {
  const outcomes = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await outcome(check)] as const),
  );
  return { ready: outcomes.every(([, word]) => word === 'ok'), checks: Object.fromEntries(outcomes) };
}

async function outcome(check: ReadinessCheck): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS);
  });
  const asked = check().then(
    () => 'ok',
    (error: unknown) => reason(error),
  );
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The kind of fault, without addresses or credentials that a driver's message may hold. */
function reason(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return `cannot be used (${typeof code === 'string' ? code : typeof name === 'string' ? name : 'unknown reason'})`;
}
