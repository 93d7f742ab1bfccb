/** Process-wide settings of the Temporal SDK. Once per process, before anything else of the SDK. */
import { DefaultLogger, makeTelemetryFilterString, Runtime, type LogLevel } from '@temporalio/worker';
import type { Logger } from '../logger';

const PINO_LEVELS = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const satisfies Record<LogLevel, string>;

/** Sends the SDK's and the workflows' log lines to ours, and the SDK's metrics to `metricsAddress` (Prometheus, `host:port`). */
export function installRuntime(logger: Logger, metricsAddress: string): Runtime {
  return Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => logger[PINO_LEVELS[level]](meta ?? {}, message)),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
      metrics: {
        prometheus: {
          bindAddress: metricsAddress,
          countersTotalSuffix: true,
          unitSuffix: true,
          useSecondsForDurations: true,
        },
      },
    },
    // main-worker.ts ends workers and servers in order.
    shutdownSignals: [],
  });
}
