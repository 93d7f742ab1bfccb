/** Rows to be scored that stand in the training rows too, in words: how many, by whom, and what that makes of the score. */
import type { Contamination } from '../contracts/jobs';
import { count, counted } from './numbers';

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

/** What a reader of the score must know; null where no row was found. */
export function aboutScore(found: Contamination, what: string): string | null {
  return [bound(found, what), chance(found, what)].filter(Boolean).join(' ') || null;
}

function bound(found: Contamination, what: string): string {
  if (found.excluded === 0) return '';
  const there = `${counted(found.excluded, what)} found among the training rows and counted as wrong`;
  return [`${there}: the model is at least as good as the score says.`, meaning(found)].filter(Boolean).join(' ');
}

/** Also where they are credited: whether it is chance that told them, a reader may doubt. */
function chance({ byChance, checked }: Contamination, what: string): string {
  if (!byChance) return '';
  const rows = `${count(byChance)} of ${counted(checked, what)}`;
  return `Training rows tell ${rows} in other words, no more often than they do other held-out rows; these are scored as all others.`;
}

function meaning({ excluded, checked, made }: Contamination): string {
  const source = made ? `${made} of them are put down to rows that the loop made.` : '';
  const share = excluded > MUCH * checked ? 'So many that the score says little about the model.' : '';
  return [source, share].filter(Boolean).join(' ');
}
