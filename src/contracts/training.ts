/** What the trainer is asked and answers. Types only. */
import type { JobRequestBase, ObjectRef, RowsRef, TaskType } from './job-messages';

export interface TrainRequest extends JobRequestBase {
  modelName: string;
  hyperparameters: Record<string, number | string | boolean>;
  taskType: TaskType;
  train: RowsRef;
  /** For the validation loss; never trained on. */
  mine: RowsRef | null;
  /** Checkpoint manifest of an earlier segment to continue from. */
  resumeFrom: ObjectRef | null;
}

export interface TrainResult {
  /** Manifest of the finished model; the evaluator reads the files it lists. */
  model: ObjectRef;
  /** Prefix under which the weights lie. */
  modelPath: string;
  /** sha256 over the weight files, for lineage. */
  weightsSha256: string;
  parameters: number;
  steps: number;
  epochs: number;
  /** Cross-entropy in nats, mean over the last epoch; null when nothing was measured. */
  trainLoss: number | null;
  mineLoss: number | null;
  /** At most 200 `[step, loss]` points. */
  lossCurve: [number, number][];
  /** Of training, over all segments: from the first step on, without loading and saving the model. */
  seconds: number;
  /** What follows is absent in a result stored before it was told. As it was in the end: half of what was asked for after memory ran out. */
  batchSize?: number | null | undefined;
  accumulation?: number | null | undefined;
  outOfMemoryRetries?: number | undefined;
  stoppedEarly?: boolean | undefined;
  /** The step whose weights were kept; null where the last step's were. */
  bestStep?: number | null | undefined;
  /** `float32`, or `bfloat16` where mixed precision was used. */
  precision?: string | null | undefined;
  device?: string | null | undefined;
  /** Where the attempt that ended it had continued from; null where it had begun at the beginning. */
  resumedFromStep?: number | null | undefined;
}
