/** A row of a service's job store. Times are milliseconds since 1970. */
export interface StoredJob {
  jobId: string;
  taskId: string;
  iteration: number;
  phase: string;
  segment: number;
  state: string;
  /** Times it was started. */
  attempt: number;
  /** Times its process ended of itself or was killed. */
  crashes: number;
  /** The last that was told, of the stage it is in. */
  step: number | null;
  createdAt: number;
  /** For the first time. */
  startedAt: number | null;
  finishedAt: number | null;
}

/** The jobs of a store in the order in which they were given; none where there is no store yet. Throws when it cannot be read. */
export function storedJobs(python: string, file: string): StoredJob[];
