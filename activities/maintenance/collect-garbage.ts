/**
 * Removes from the bucket what nobody can reach any more, or, in a dry run, only tells what it would remove. Walks the listing page by
 * page and keeps one page, a few tasks' names and counts in memory, whatever the bucket holds. A retried attempt goes on where the last one
 * was. Not covered: which objects are reachable (`src/domain/reachability.ts`); multipart uploads of users, which the API ends.
 */
import { Context, log } from '@temporalio/activity';
import type { RetentionReport } from '../../src/contracts/maintenance';
import {
  reachOf,
  taskGarbage,
  uploadGarbage,
  type GarbageReason,
  type Reach,
  type RetentionRules,
  type UploadUse,
} from '../../src/domain/reachability';
import { ownerOfKey, STORAGE_ROOTS, type KeyOwner } from '../../src/domain/storage-keys';
import type { RetentionRepository } from '../../src/repositories/retention';
import type { ListedObject, ObjectStore } from '../../src/storage/object-store';
import { Recent } from './recent';

/** At once, so that a fault in between leaves little undone. */
const BATCH = 200;
const MAX_EXAMPLES = 10;
/** Of owners: a listing is in order of keys, so that an owner's objects come together. */
const REMEMBERED = 32;
/** What services upload in parts takes minutes; one of a task that has not ended is given the grace time. */
const OPEN_UPLOAD_MS = 3_600_000;

export interface GarbageCollector {
  rows: Pick<RetentionRepository, 'task' | 'upload' | 'markCollected'>;
  store: Pick<ObjectStore, 'list' | 'removeAll' | 'openUploads' | 'endUpload'>;
  graceMs: number;
  retentionMs: number;
}

interface Progress {
  report: RetentionReport;
  /** Index of the root that is walked, and the last key that was dealt with. */
  root: number;
  after: string | null;
}

interface Garbage extends ListedObject {
  reason: GarbageReason;
}

/** One pass over the bucket. May be repeated safely. Ends after the page or batch it is at when it is cancelled or its worker stops. */
export async function collectGarbage(
  deps: GarbageCollector,
  { dryRun }: { dryRun: boolean },
  now: () => Date = () => new Date(),
): Promise<RetentionReport> {
  const lastBeat = Context.current().info.heartbeatDetails as Progress | undefined;
  const progress = lastBeat ?? firstProgress(deps, dryRun, now());
  const rules = { now: now(), graceMs: deps.graceMs, retentionMs: deps.retentionMs };
  const pass = new Pass(deps, rules, progress);
  for (; progress.root < STORAGE_ROOTS.length; progress.root += 1, progress.after = null) {
    await pass.walk(STORAGE_ROOTS[progress.root] ?? '');
  }
  await pass.endUploads();
  const { report } = progress;
  log.info(dryRun ? 'retention: dry run' : 'retention: unreachable objects are removed', { ...report });
  return report;
}

class Pass {
  private readonly tasks = new Recent<Reach | null>(REMEMBERED);
  private readonly uploads = new Recent<UploadUse | null>(REMEMBERED);

  constructor(
    private readonly deps: GarbageCollector,
    private readonly rules: RetentionRules,
    private readonly progress: Progress,
  ) {}

  async walk(root: string): Promise<void> {
    const { report } = this.progress;
    for await (const page of this.deps.store.list(root, this.progress.after)) {
      const garbage: Garbage[] = [];
      for (const object of page) {
        const reason = await this.reasonFor(object);
        report.listed.objects += 1;
        report.listed.bytes += object.bytes;
        if (reason) garbage.push({ ...object, reason });
      }
      await this.take(garbage);
      this.progress.after = page.at(-1)?.key ?? null;
      this.beat();
    }
  }

  private async reasonFor(object: ListedObject): Promise<GarbageReason | null> {
    const owner = ownerOfKey(object.key);
    if (!owner) {
      this.progress.report.notOurs += 1;
      return null;
    }
    if (owner.kind === 'upload') {
      const use = await this.uploads.get(owner.datasetId, (id) => this.deps.rows.upload(id));
      return uploadGarbage(object, use, this.rules);
    }
    return taskGarbage(object, await this.reach(owner), this.rules);
  }

  private reach({ taskId }: Extract<KeyOwner, { kind: 'task' }>): Promise<Reach | null> {
    return this.tasks.get(taskId, async () => {
      const names = await this.deps.rows.task(taskId);
      return names && reachOf(taskId, names);
    });
  }

  private async take(garbage: Garbage[]): Promise<void> {
    const { report } = this.progress;
    for (let from = 0; from < garbage.length; from += BATCH) {
      const batch = garbage.slice(from, from + BATCH);
      const kept = report.dryRun ? new Set<string>() : await this.remove(batch);
      for (const { key, bytes, reason } of batch.filter((one) => !kept.has(one.key))) {
        const group = (report.garbage[reason] ??= { objects: 0, bytes: 0, examples: [] });
        group.objects += 1;
        group.bytes += bytes;
        if (group.examples.length < MAX_EXAMPLES) group.examples.push(key);
      }
      this.beat();
    }
  }

  /** The keys that could not be removed; the next pass does. */
  private async remove(batch: Garbage[]): Promise<Set<string>> {
    const { report } = this.progress;
    const folders = batch.map(({ key }) => key.slice(0, key.lastIndexOf('/') + 1));
    report.datasetsCollected += await this.deps.rows.markCollected(folders, this.rules.now);
    const failed = await this.deps.store.removeAll(batch.map(({ key }) => key));
    report.failed += failed.length;
    if (failed.length > 0) log.warn('some objects could not be removed', { objects: failed.length, first: failed[0] });
    return new Set(failed.map(({ key }) => key));
  }

  /** Uploads in parts that a service left open. Those of users, below the first root, are the API's to end. */
  async endUploads(): Promise<void> {
    const { report } = this.progress;
    for (const root of STORAGE_ROOTS.slice(1)) {
      for await (const upload of this.deps.store.openUploads(root)) {
        const owner = ownerOfKey(upload.key);
        const reach = owner?.kind === 'task' ? await this.reach(owner) : null;
        const waitMs = reach?.endedAt === null ? this.rules.graceMs : OPEN_UPLOAD_MS;
        if (!owner || this.rules.now.getTime() - upload.startedAt.getTime() < waitMs) continue;
        if (!report.dryRun) await this.deps.store.endUpload(upload);
        report.uploadsEnded += 1;
        this.beat();
      }
    }
  }

  private beat(): void {
    const context = Context.current();
    context.heartbeat(this.progress);
    context.cancellationSignal.throwIfAborted();
  }
}

function firstProgress({ graceMs, retentionMs }: GarbageCollector, dryRun: boolean, now: Date): Progress {
  return {
    report: {
      dryRun,
      startedAt: now.toISOString(),
      graceHours: graceMs / 3_600_000,
      retentionDays: retentionMs / 86_400_000,
      listed: { objects: 0, bytes: 0 },
      garbage: {},
      datasetsCollected: 0,
      uploadsEnded: 0,
      failed: 0,
      notOurs: 0,
    },
    root: 0,
    after: null,
  };
}
