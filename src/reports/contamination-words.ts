/** Rows to be scored that stand in the training rows too, in words: how many, by whom, and what that makes of the score. */
import type { Contamination } from '../contracts/jobs';
import { counted } from './numbers';

/** Above this share of the rows, the score says little about the model. */
const MUCH = 0.05;

/** The counts, for a list of figures. */
export function foundAmongTraining(found: Contamination): string {
  const { exact, near, paraphrases, byChance, checked, excluded } = found;
  const kinds = [`${exact} exact`, `${near} near`, paraphrases === null ? null : `${paraphrases} in other words`];
  const line = `${kinds.filter(Boolean).join(', ')} of ${counted(checked, 'row')}; ${excluded} counted as wrong`;
  const chance = byChance ? `${line}; ${byChance} more in other words, as chance does` : line;
  return [chance, meaning(found)].filter(Boolean).join('. ');
}

/** What a reader of the score must know; null where nothing was found. */
export function scoreIsBound(found: Contamination, what: string): string | null {
  if (found.excluded === 0) return null;
  const there = `${counted(found.excluded, what)} found among the training rows and counted as wrong`;
  return [`${there}: the model is at least as good as the score says.`, meaning(found)].filter(Boolean).join(' ');
}

function meaning({ excluded, checked, made }: Contamination): string {
  const source = made ? `${made} of them stand only in rows that the loop made.` : '';
  const share = excluded > MUCH * checked ? 'So many that the score says little about the model.' : '';
  return [source, share].filter(Boolean).join(' ');
}
