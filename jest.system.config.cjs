// The whole-stack tests: one stack with an empty data folder, started once for all of them. Run by `npm test`; alone with `npm test system`.
/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/tests/system'],
  testMatch: ['**/*.test.ts'],
  transform: require('./jest.config.cjs').transform,
  globalSetup: '<rootDir>/tests/system/support/global-setup.cjs',
  globalTeardown: '<rootDir>/tests/system/support/global-teardown.ts',
  testTimeout: 120_000,
  maxWorkers: 1,
};
