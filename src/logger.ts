/** Structured JSON logs. Every line about a task carries taskId, iteration and phase; secrets are redacted by path. */
import pino, { type Logger } from 'pino';

export type { Logger };

/** A logger for one process. `role` stands on every line. Lines go to standard output. */
export function createLogger(role: string, level: string): Logger {
  return pino({
    level,
    base: { role },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: [
        'req.headers.authorization',
        'req.headers.cookie',
        '*.password',
        '*.accessToken',
        '*.refreshToken',
        '*.secret',
      ],
      censor: '[redacted]',
    },
  });
}
