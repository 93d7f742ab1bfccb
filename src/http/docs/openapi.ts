/** OpenAPI 3.1 from the operations themselves. */
import { OpenApiGeneratorV31, OpenAPIRegistry, type ResponseConfig } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import type { Operation } from '../operation';

export const errorSchema = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string(),
    requestId: z.string(),
    details: z.record(z.string(), z.unknown()).optional(),
  }),
});

const SHARED_FAULTS: Record<string, string> = {
  400: 'The request cannot be read',
  401: 'A valid access token is needed',
  403: 'Your role may not do this',
  404: 'Not there, or not yours',
  409: 'Not possible in the present state',
  410: 'Removed by retention',
  413: 'Too large',
  415: 'Another media type is needed',
  422: 'A field is not valid; the message names it',
  429: 'Too many attempts',
  500: 'A fault on our side',
  503: 'Something WLOps needs does not answer; see Retry-After',
};

function faultsOf(operation: Operation): string[] {
  return [
    '400',
    ...(operation.access === 'public' ? [] : ['401', '403']),
    ...(operation.params ? ['404'] : []),
    ...(operation.idempotent ? ['409'] : []),
    ...(operation.body ? ['413', '415'] : []),
    ...(operation.multipart ? ['415'] : []),
    '422',
    ...(operation.rateLimit ? ['429'] : []),
    '500',
    '503',
  ];
}

function responses(operation: Operation): Record<string, ResponseConfig> {
  const errorContent = { 'application/json': { schema: errorSchema } };
  const all: Record<string, ResponseConfig> = {};
  for (const status of faultsOf(operation)) all[status] = { description: SHARED_FAULTS[status] ?? '', content: errorContent };
  for (const [status, spec] of Object.entries(operation.responses)) {
    const content = spec.schema
      ? { 'application/json': { schema: spec.schema } }
      : spec.contentType
        ? { [spec.contentType]: { schema: z.string() } }
        : Number(status) >= 400
          ? errorContent
          : undefined;
    all[status] = { description: spec.description, ...(content && { content }) };
  }
  return all;
}

function requestBody(operation: Operation) {
  if (operation.multipart) {
    return { required: true, content: { 'multipart/form-data': { schema: operation.multipart } } };
  }
  if (!operation.body) return undefined;
  return { required: !operation.bodyOptional, content: { 'application/json': { schema: operation.body } } };
}

/** The description of all operations, as a plain object. */
export function openApiDocument(operations: readonly Operation[], version: string): object {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' });
  for (const operation of operations) {
    const body = requestBody(operation);
    registry.registerPath({
      method: operation.method,
      path: operation.path,
      operationId: operation.operationId,
      tags: [operation.tag],
      summary: operation.summary,
      ...(operation.access === 'public' ? {} : { security: [{ bearer: [] }] }),
      request: {
        ...(operation.params && { params: operation.params as z.ZodObject }),
        ...(operation.query && { query: operation.query as z.ZodObject }),
        ...(operation.idempotent && {
          headers: z.object({
            'Idempotency-Key': z.string().max(200).optional().meta({ description: 'A repeat with the same key answers alike' }),
          }),
        }),
        ...(body && { body }),
      },
      responses: responses(operation),
    });
  }
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'WLOps',
      version,
      description: 'Trains a model on your data and keeps improving it: optimize, train, evaluate, learn from the failures, again.',
    },
    servers: [{ url: '/' }],
  });
}
