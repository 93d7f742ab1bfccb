/** Is the process alive, is it ready, and its figures for Prometheus. */
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { readiness, type ReadinessCheck } from '../../services/readiness';
import type { Api } from '../api';

const readySchema = z.strictObject({ ready: z.boolean(), checks: z.record(z.string(), z.string()) });

/** The figures of one API process. */
export class ApiMetrics {
  readonly registry = new Registry();
  private readonly requests = new Histogram({
    name: 'wlops_http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Measures every request; the route's pattern is the label, so that ids do not multiply the series. */
  measure(): RequestHandler {
    return (req, res, next) => {
      const started = process.hrtime.bigint();
      res.once('close', () => {
        const route = (req.route as { path?: string } | undefined)?.path ?? 'unknown';
        const seconds = Number(process.hrtime.bigint() - started) / 1e9;
        this.requests.observe({ method: req.method, route, status: String(res.statusCode) }, seconds);
      });
      next();
    };
  }
}

/** Adds `/livez`, `/readyz` (503 with the reason while a dependency does not answer) and `/metrics`; all public. */
export function healthRoutes(api: Api, metrics: ApiMetrics, checks: Record<string, ReadinessCheck>): void {
  api.add(
    {
      operationId: 'livez',
      method: 'get',
      path: '/livez',
      tag: 'health',
      summary: 'The process answers',
      access: 'public',
      responses: { 200: { description: 'Alive', schema: z.strictObject({ alive: z.boolean() }) } },
    },
    () => Promise.resolve({ status: 200, body: { alive: true } }),
  );
  api.add(
    {
      operationId: 'readyz',
      method: 'get',
      path: '/readyz',
      tag: 'health',
      summary: 'Database, object store and Temporal answer',
      access: 'public',
      responses: {
        200: { description: 'All answer', schema: readySchema },
        503: { description: 'What does not, and why', schema: readySchema },
      },
    },
    async ({ res }) => {
      const state = await readiness(checks);
      if (!state.ready) res.set('Retry-After', '5');
      return { status: state.ready ? 200 : 503, body: state };
    },
  );
  api.add(
    {
      operationId: 'processMetrics',
      method: 'get',
      path: '/metrics',
      tag: 'health',
      summary: 'Figures of this process for Prometheus',
      access: 'public',
      responses: { 200: { description: 'Figures', contentType: 'text/plain' } },
    },
    async ({ res }) => {
      res
        .status(200)
        .type(metrics.registry.contentType)
        .send(await metrics.registry.metrics());
      return undefined;
    },
  );
}
