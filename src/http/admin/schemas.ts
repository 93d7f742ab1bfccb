/** What the administrators' routes take and answer. */
import { z } from 'zod';
import { timestamp } from '../validation';

export const retentionBody = z.strictObject({
  dryRun: z.boolean().meta({ description: 'true: tells what would go and removes nothing' }),
});

export const retentionParams = z.object({ retentionId: z.string().max(100) });

const amount = { objects: z.number().int(), bytes: z.number().int() };

export const retentionSchema = z.strictObject({
  retentionId: z.string(),
  report: z
    .strictObject({
      dryRun: z.boolean(),
      startedAt: timestamp,
      graceHours: z.number(),
      retentionDays: z.number(),
      listed: z
        .strictObject(amount)
        .meta({ description: 'all objects below datasets/, optimized/, models/, evaluations/' }),
      garbage: z.record(
        z.string(),
        z.strictObject({
          ...amount,
          why: z.string(),
          examples: z.array(z.string()).meta({ description: 'the first keys' }),
        }),
      ),
      datasetsCollected: z.number().int(),
      uploadsEnded: z.number().int().meta({ description: 'uploads in parts that a service had left open' }),
      failed: z.number().int(),
      notOurs: z.number().int().meta({ description: 'objects with other names; left' }),
    })
    .nullable()
    .meta({ description: 'null while the pass goes on' }),
});
