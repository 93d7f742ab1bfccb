/** Short messages of four intents as CSV: same options, same bytes. `word` stands in every row. */
export function smallFile(options?: { seed?: number; rows?: number; word?: string }): string;
