/** The wall clocks of the stack's Node processes, which `tools/faults/clock.cjs` reads. */
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DATA_DIR, note, sleep } from './faults';

/** How a process's clock goes beside the machine's, in milliseconds. Both are right where nothing is said. */
export async function setClocks(offsetMs: { api?: number; worker?: number }): Promise<void> {
  const file = path.join(DATA_DIR, 'clocks.json');
  writeFileSync(`${file}.new`, JSON.stringify(offsetMs));
  renameSync(`${file}.new`, file);
  for (const name of Object.keys(offsetMs)) note(`${name} clock`);
  if (Object.keys(offsetMs).length === 0) note('healed');
  await sleep(200);
}
