/** The control centre's one question to the trainer: does this model exist? */
import { z } from 'zod';
import { AppError } from '../../domain/errors';
import { signServiceToken } from '../accounts/tokens';
import type { ResolveModel } from './model-catalog';

const TIMEOUT_MS = 10_000;

const faultSchema = z.object({ error: z.object({ message: z.string().max(4000) }) });

/** Asks `POST /api/v1/models/resolve` of the trainer at `trainerUrl`. */
export function createModelResolver(trainerUrl: string, serviceSecret: string): ResolveModel {
  const url = new URL('/api/v1/models/resolve', trainerUrl);
  return async (name) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${signServiceToken(serviceSecret, 'trainer')}`,
      },
      body: JSON.stringify({ modelName: name }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((cause: unknown) => {
      throw unavailable(cause);
    });
    const body: unknown = await response.json().catch(() => null);
    if (response.ok) return;
    if (response.status !== 422) throw unavailable(new Error(`the trainer answered ${response.status}`));
    const fault = faultSchema.safeParse(body);
    const reason = fault.success ? fault.data.error.message : 'it cannot be resolved';
    throw new AppError('MODEL_UNKNOWN', `modelName: ${reason}`, { details: { field: 'modelName' } });
  };
}

function unavailable(cause: unknown): AppError {
  return new AppError('SERVICE_UNAVAILABLE', 'the model trainer, which knows this model, does not answer; try again', {
    retryAfterSeconds: 10,
    cause,
  });
}
