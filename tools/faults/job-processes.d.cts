/** The processes that work for jobs, of one service or of all; `folder` is the job's id. Linux only: elsewhere none are found. */
export function jobProcesses(dataDir: string, service?: string): { pid: number; service: string; folder: string }[];
