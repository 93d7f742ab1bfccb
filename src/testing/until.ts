/** Waiting for something to become true, with a deadline in place of a fixed sleep. */

/** The first truthy answer of `look`. Throws when there is none within `timeoutMs`, with what was waited for. */
export async function until<Value>(
  what: string,
  look: () => Value | Promise<Value>,
  timeoutMs = 60_000,
): Promise<Exclude<Value, undefined | null | false | 0 | ''>> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await look();
    if (value) return value as Exclude<Value, undefined | null | false | 0 | ''>;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
