/** After all system tests: what the stack's workflows did is kept for the replay step, the stack must end as it promises, and the folder goes away. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { saveExecutions } from '../../../src/testing/save-executions';

interface System {
  stack: { run: { processes: Record<string, { port: number }> }; stop(): Promise<number>; output(): string };
  folder: string;
}

export default async function teardown(): Promise<void> {
  const { stack, folder } = (globalThis as unknown as { wlopsSystem: System }).wlopsSystem;
  const histories = process.env.WLOPS_TEST_HISTORIES;
  const temporal = stack.run.processes.temporal;
  try {
    if (histories && temporal) {
      await saveExecutions(`127.0.0.1:${temporal.port}`, path.join(histories, 'system-tests.jsonl.br'));
    }
  } finally {
    const code = await stack.stop();
    if (code !== 0) throw new Error(`the stack ended with ${code}, not 0:\n${stack.output().slice(-4000)}`);
    rmSync(folder, { recursive: true, force: true });
  }
}
