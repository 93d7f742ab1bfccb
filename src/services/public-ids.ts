/** Public ids: 130 random bits, so that knowing some tells nothing about others. */
import { randomBytes } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const LENGTH = 26;

/** `dataset_` or `task_` and 26 base32 characters. */
export function newPublicId(kind: 'dataset' | 'task'): string {
  const characters = Array.from(randomBytes(LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]);
  return `${kind}_${characters.join('')}`;
}
