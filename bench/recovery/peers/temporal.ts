/** Bare Temporal as a peer: a namespace of its own on the server of the stack, and a worker that can be killed. */
import { randomUUID } from 'node:crypto';
import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { WorkerOptions } from '@temporalio/worker';
import { openNamespace, type LoadClient } from '../load-world';
import { kill, type Peer } from './peer';

export interface TemporalSettings {
  heartbeatTimeoutMs: number;
  worker: Partial<WorkerOptions>;
}

/** The only activity of a workflow has this id. */
const STEP = '1';
const QUEUE = 'bench-peer';

export class TemporalPeer implements Peer {
  private worker: ChildProcess | undefined;

  private constructor(
    private readonly world: LoadClient,
    private readonly place: { temporalAddress: string; python: string },
    private readonly settings: TemporalSettings,
  ) {}

  static async open(
    place: { temporalAddress: string; python: string },
    settings: TemporalSettings,
  ): Promise<TemporalPeer> {
    const peer = new TemporalPeer(await openNamespace(place.temporalAddress), place, settings);
    await peer.startWorker();
    return peer;
  }

  async start(kind: string, ...args: unknown[]): Promise<string> {
    const workflowId = randomUUID();
    const all = kind === 'work' ? [...args, this.settings.heartbeatTimeoutMs] : args;
    await this.world.client.workflow.start(kind, { workflowId, taskQueue: QUEUE, args: all });
    return workflowId;
  }

  private run(run: string) {
    return this.world.client.workflow.getHandle(run);
  }

  async status(run: string): Promise<string> {
    return (await this.run(run).describe()).status.name;
  }

  cancel(run: string): Promise<unknown> {
    return this.run(run).cancel();
  }

  /** Pauses the activity; the workflow itself goes on. */
  pause(run: string): Promise<unknown> {
    return this.world.client.workflowService.pauseActivity({ ...this.step(run), identity: 'bench' });
  }

  resume(run: string): Promise<unknown> {
    return this.world.client.workflowService.unpauseActivity({ ...this.step(run), identity: 'bench' });
  }

  private step(run: string) {
    return { namespace: this.world.namespace, execution: { workflowId: run }, id: STEP };
  }

  wake(run: string): Promise<unknown> {
    return this.run(run).executeUpdate('wake');
  }

  async startWorker(): Promise<void> {
    const { temporalAddress, python } = this.place;
    const args = [temporalAddress, this.world.namespace, python, JSON.stringify(this.settings.worker)];
    const worker = fork(path.join(__dirname, 'temporal-worker.js'), args, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.worker = worker;
    await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('exit', (code) => reject(new Error(`the worker of bare Temporal ended with ${code}`)));
    });
  }

  workerPid(): number | undefined {
    return this.worker?.pid;
  }

  async close(): Promise<void> {
    kill(this.worker?.pid, 'SIGKILL');
    await this.world.close();
  }
}
