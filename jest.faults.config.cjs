// The fault tests: one stack with a proxy in every connection, started once for all of them. Run by `npm run test:faults`; its quick part
// alone with `npm run test:faults -- quick`.
/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/tests/faults'],
  testMatch: ['**/*.test.ts'],
  transform: require('./jest.config.cjs').transform,
  globalSetup: '<rootDir>/tests/faults/support/global-setup.cjs',
  globalTeardown: '<rootDir>/tests/faults/support/global-teardown.cjs',
  testTimeout: 180_000,
  maxWorkers: 1,
};
