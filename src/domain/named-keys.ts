/** Which objects of the bucket a row, a request or a result names. What is not found here is neither allowed nor kept. */

/** Every object key in a value of JSON: of references, which have a digest beside it, and paths of models and evaluations. */
export function keysNamedBy(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keysNamedBy);
  if (typeof value !== 'object' || value === null) return [];
  const { key, sha256, modelPath, evaluationPath, ...rest } = value as Record<string, unknown>;
  const own = [sha256 === undefined ? undefined : key, modelPath, evaluationPath];
  return [...own.filter((one): one is string => typeof one === 'string'), ...Object.values(rest).flatMap(keysNamedBy)];
}
