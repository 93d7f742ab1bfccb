/** A peer that is a Python package: a process that takes runs, and one that makes its calls, line by line. Both end with this process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { kill, type Peer } from './peer';

interface Reply {
  result?: unknown;
  error?: string;
}

export interface PythonPeerPlace {
  name: 'dbos' | 'prefect';
  python: string;
  env: NodeJS.ProcessEnv;
  logFile: string;
}

export class PythonPeer implements Peer {
  private worker: ChildProcess | undefined;
  private control: ChildProcess | undefined;
  private readonly waiting: ((reply: Reply) => void)[] = [];

  private constructor(private readonly place: PythonPeerPlace) {}

  static async open(place: PythonPeerPlace): Promise<PythonPeer> {
    const peer = new PythonPeer(place);
    try {
      await peer.startControl();
      await peer.startWorker();
      return peer;
    } catch (error) {
      await peer.close();
      throw error;
    }
  }

  private spawn(script: string, stdin: 'pipe' | 'ignore'): ChildProcess {
    const { name, python, env, logFile } = this.place;
    const file = path.resolve(`bench/recovery/peers/${name}_${script}.py`);
    const child = spawn(python, [file], { env, stdio: [stdin, 'pipe', openSync(logFile, 'a')] });
    child.once('error', () => undefined);
    return child;
  }

  /** The log goes with the peer's folder. */
  private lastWords(): string {
    return readFileSync(this.place.logFile, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  }

  private async startControl(): Promise<void> {
    const control = this.spawn('control', 'pipe');
    this.control = control;
    const ready = new Promise<Reply>((resolve) => this.waiting.push(resolve));
    if (control.stdout)
      readline
        .createInterface({ input: control.stdout })
        .on('line', (line) => this.waiting.shift()?.(JSON.parse(line) as Reply));
    control.once('exit', (code) => {
      for (const answer of this.waiting.splice(0)) answer({ error: `ended with ${code}: ${this.lastWords()}` });
    });
    const { error } = await ready;
    if (error) throw new Error(`${this.place.name}: ${error}`);
  }

  private async call(name: string, ...args: unknown[]): Promise<unknown> {
    const reply = new Promise<Reply>((resolve) => this.waiting.push(resolve));
    this.control?.stdin?.write(`${JSON.stringify({ call: name, args })}\n`);
    const { result, error } = await reply;
    if (error) throw new Error(`${this.place.name}, ${name}: ${error}`);
    return result;
  }

  start = async (kind: string, ...args: unknown[]): Promise<string> => String(await this.call('start', kind, ...args));
  status = async (run: string): Promise<string> => String(await this.call('status', run));
  cancel = (run: string): Promise<unknown> => this.call('cancel', run);
  pause = (run: string): Promise<unknown> => this.call('pause', run);
  resume = (run: string): Promise<unknown> => this.call('resume', run);
  wake = (run: string, folder: string): Promise<unknown> => this.call('wake', run, folder);

  /** Its first line says that it takes runs. */
  async startWorker(): Promise<void> {
    const worker = this.spawn('worker', 'ignore');
    this.worker = worker;
    const first = worker.stdout && once(worker.stdout, 'data');
    const ended = once(worker, 'exit').then(([code]) => {
      throw new Error(`the worker of ${this.place.name} ended with ${code}: ${this.lastWords()}`);
    });
    ended.catch(() => undefined);
    await Promise.race([first, ended]);
  }

  workerPid(): number | undefined {
    return this.worker?.pid;
  }

  async close(): Promise<void> {
    const ends = [this.control, this.worker].flatMap((child) => {
      if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return [];
      kill(child.pid, 'SIGKILL');
      return [once(child, 'exit')];
    });
    await Promise.all(ends);
  }
}
