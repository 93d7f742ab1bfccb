/** The worker's small HTTP server: liveness, readiness with reasons, and Prometheus metrics, its own and the Temporal SDK's. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import { collectDefaultMetrics, Registry } from 'prom-client';

export interface WorkerHealth {
  host: string;
  port: number;
  /** What is not ready, one sentence each; empty when all is. */
  notReady: () => Promise<string[]>;
  /** Where the Temporal SDK serves its own metrics. */
  sdkMetricsUrl: string;
}

const SDK_METRICS_TIMEOUT_MS = 2_000;

/** Starts to serve `/livez`, `/readyz` and `/metrics`. Rejects when the port cannot be had. */
export async function startHealthServer(health: WorkerHealth): Promise<Server> {
  const registry = new Registry();
  registry.setDefaultLabels({ role: 'worker' });
  collectDefaultMetrics({ register: registry });
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    answer(path, health, registry, response).catch((error: unknown) =>
      respond(response, 500, 'text/plain', String(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(health.port, health.host, () => resolve());
  });
  return server;
}

async function answer(
  path: string | undefined,
  health: WorkerHealth,
  registry: Registry,
  response: ServerResponse,
): Promise<void> {
  if (path === '/livez') return respond(response, 200, 'application/json', '{"status":"alive"}');
  if (path === '/readyz') {
    const reasons = await health.notReady();
    const body = JSON.stringify({ status: reasons.length === 0 ? 'ready' : 'not ready', reasons });
    return respond(response, reasons.length === 0 ? 200 : 503, 'application/json', body);
  }
  if (path === '/metrics') {
    const own = await registry.metrics();
    return respond(response, 200, registry.contentType, `${own}\n${await sdkMetrics(health.sdkMetricsUrl)}`);
  }
  return respond(response, 404, 'application/json', '{"error":{"code":"NOT_FOUND","message":"no such path"}}');
}

/** The SDK can only serve its metrics itself; they are added to ours. Without them ours are still worth reading. */
async function sdkMetrics(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(SDK_METRICS_TIMEOUT_MS) });
    return await response.text();
  } catch {
    return '';
  }
}

function respond(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType }).end(body);
}
