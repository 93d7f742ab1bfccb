import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CONFIG_SCHEMAS, ConfigError, readApiConfig, readWorkerConfig } from './config';

const SECRETS = {
  S3_ACCESS_KEY_ID: 'key',
  S3_SECRET_ACCESS_KEY: 'secret',
  WLOPS_SERVICE_SECRET: 's'.repeat(32),
  WLOPS_JWT_SECRET: 'j'.repeat(32),
};

/** Variables of `.env.example`, as a shell would set them. */
function example(): Record<string, string> {
  const lines = readFileSync(path.resolve(__dirname, '../.env.example'), 'utf8').split('\n');
  const pairs = lines.filter((line) => line && !line.startsWith('#')).map((line) => line.split(/=(.*)/s).slice(0, 2));
  return Object.fromEntries(pairs) as Record<string, string>;
}

test('.env.example names exactly the variables that are read', () => {
  const read = new Set(Object.values(CONFIG_SCHEMAS).flatMap((schema) => Object.keys(schema.shape)));
  expect(Object.keys(example()).sort()).toEqual([...read].sort());
});

test('.env.example shows the defaults, and with its secrets filled in both roles start from it', () => {
  const shown: Record<string, string> = { ...example(), ...SECRETS };
  const bare = {
    ...SECRETS,
    DATABASE_URL: shown.DATABASE_URL,
    S3_ENDPOINT: shown.S3_ENDPOINT,
    TEMPORAL_ADDRESS: shown.TEMPORAL_ADDRESS,
  };
  expect(readApiConfig(shown)).toEqual(readApiConfig(bare));
  expect(readWorkerConfig(shown)).toEqual(readWorkerConfig(bare));
});

test('the example as it is starts nothing: secrets have no default', () => {
  expect(() => readApiConfig(example())).toThrow(ConfigError);
});

test('all faults are reported at once, by name and without the value', () => {
  const faults = {
    ...example(),
    ...SECRETS,
    WLOPS_API_PORT: '99999',
    WLOPS_JWT_SECRET: 'change-me-change-me-change-me-change-me',
    S3_ENDPOINT: 'x',
  };
  const error = (() => {
    try {
      return readApiConfig(faults) && null;
    } catch (thrown) {
      return thrown as Error;
    }
  })();
  for (const name of ['WLOPS_API_PORT', 'WLOPS_JWT_SECRET', 'S3_ENDPOINT']) expect(error?.message).toContain(name);
  expect(error?.message).not.toContain('change-me');
});

test('the offset moves default ports only', () => {
  const base = { ...example(), ...SECRETS, WLOPS_PORT_OFFSET: '100', WLOPS_TRAINER_PORT: '9000' };
  expect([readApiConfig(base).port, readApiConfig(base).trainerUrl]).toEqual([8180, 'http://127.0.0.1:9000']);
});

test.each([['WLOPS_SWEEP_STARTS_SECONDS', ['0', '-1', '1.5', '90000', 'often']]])(
  '%s: nonsense is refused, naming it',
  (name, values) => {
    for (const value of values) {
      expect(() => readWorkerConfig({ ...example(), ...SECRETS, [name]: value })).toThrow(name);
    }
  },
);

test('retention can be switched off', () => {
  const settings = { ...example(), ...SECRETS };
  expect(readWorkerConfig(settings).schedules.retentionSeconds).toBe(3600);
  expect(readWorkerConfig({ ...settings, WLOPS_RETENTION: 'off' }).schedules.retentionSeconds).toBeNull();
});
