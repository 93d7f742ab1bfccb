/** The generator mulberry32: numbers of which 0 ≤ x < 1 holds, the same for the same seed. */
export function seededRandom(seed: number): () => number;
