/** How fault tests make faults: kill a process of the stack or of a job, and hurt a connection. Each fault is noted for the checker. */
import { jobProcesses as processesOf } from '../../../tools/faults/job-processes.cjs';
import { ToxiproxyClient, type Toxic } from '../../../tools/faults/toxiproxy-client.cjs';
import { noteFault } from '../../../tools/shared/fault-log.cjs';
import { stackProcess, waitFor } from '../../system/support/client';

export const DATA_DIR = process.env.WLOPS_DATA_DIR ?? '';

export const SERVICES = ['optimizer', 'trainer', 'evaluator'] as const;
export type Service = (typeof SERVICES)[number];
export const PROCESSES = ['api', 'worker', ...SERVICES, 'temporal', 'postgres', 's3'] as const;
export type ProcessName = (typeof PROCESSES)[number];

export const LINKS = [
  ...['api→postgres', 'api→temporal', 'api→s3', 'api→trainer'],
  ...['worker→postgres', 'worker→temporal', 'worker→s3', 'worker→optimizer', 'worker→trainer', 'worker→evaluator'],
  ...['optimizer→s3', 'trainer→s3', 'evaluator→s3', 'temporal→postgres'],
] as const;
export type Link = (typeof LINKS)[number];

/** Writes a fault down for the checker: `<process> <what>`, or a link. */
export function note(target: string): void {
  noteFault(DATA_DIR, target);
}

/** Kills a process of the stack with SIGKILL, or sends what is given; answers when. Waits first for one that is being started again. */
export async function kill(name: ProcessName, signal: NodeJS.Signals = 'SIGKILL'): Promise<number> {
  const pid = await waitFor(`${name} to run`, 60, async () => stackProcess(name).pid || null);
  noteFault(DATA_DIR, name, { by: signal });
  process.kill(pid, signal);
  return Date.now();
}

/** Waits until a process that was killed is there again and ready; answers after how many milliseconds. */
export async function isBack(name: ProcessName, killedAt: number): Promise<number> {
  await waitFor(`${name} to be ready again`, 60, async () => {
    const { pid, url } = stackProcess(name);
    if (!pid) return null;
    if (!url.startsWith('http')) return true;
    const answer = await fetch(name === 's3' ? url : `${url}/readyz`, { signal: AbortSignal.timeout(1000) }).catch(
      () => null,
    );
    return answer && (answer.ok || name === 's3') ? true : null;
  });
  return Date.now() - killedAt;
}

/** Kills a process and waits until it is back. */
export async function restart(name: ProcessName): Promise<number> {
  return isBack(name, await kill(name));
}

/** Tells a process to end as a stop of the stack does, and waits until the next one is ready. */
export async function restartPolitely(name: ProcessName): Promise<void> {
  const before = stackProcess(name).pid;
  const at = await kill(name, name === 'postgres' ? 'SIGINT' : 'SIGTERM');
  await waitFor(`${name} to be another process`, 60, async () => {
    const { pid } = stackProcess(name);
    return pid && pid !== before ? true : null;
  });
  await isBack(name, at);
}

/** The processes that work for jobs of a service. */
export const jobProcesses = (service: Service) => processesOf(DATA_DIR, service);

/** Kills the process of the service's job, once there is one. */
export async function killJob(service: Service): Promise<void> {
  const { pid, folder } = await waitFor(
    `a job process of the ${service}`,
    60,
    async () => jobProcesses(service)[0] ?? null,
  );
  killProcessOf(service, folder, pid);
}

function killProcessOf(service: Service, jobId: string, pid: number): void {
  noteFault(DATA_DIR, `job of ${service}`, { job: jobId });
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It may have ended since it was seen.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Kills the processes that work for these jobs just now, if there are any. */
export function killJobs(service: Service, jobIds: ReadonlySet<string>): void {
  for (const { pid, folder } of jobProcesses(service)) {
    if (jobIds.has(folder)) killProcessOf(service, folder, pid);
  }
}

const proxies = () => new ToxiproxyClient(process.env.WLOPS_TEST_PROXIES ?? '');

/** Lays a fault into a connection. */
export async function hurt(link: Link, toxic: Toxic): Promise<void> {
  note(`${link} ${toxic.type}`);
  await proxies().add(link, toxic);
}

/** Connections end at once, and new ones are refused. */
export async function cut(link: Link): Promise<void> {
  note(`${link} cut`);
  await proxies().cut(link);
}

/** Nothing passes any more and nobody is told. */
export async function blackhole(link: Link): Promise<void> {
  for (const stream of ['upstream', 'downstream'] as const)
    await hurt(link, { type: 'timeout', stream, attributes: { timeout: 0 } });
}

/** Every connection is whole again. Written down too: until then a hurt connection is to blame for what is done again. */
export async function heal(): Promise<void> {
  await proxies().heal();
  note('healed');
}

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
