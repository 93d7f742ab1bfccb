// After the other suites: every workflow execution that they started is replayed with today's workflows. Run by `npm test`.
/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/tests/replay'],
  testMatch: ['**/*.test.ts'],
  transform: require('./jest.config.cjs').transform,
  testTimeout: 300_000,
};
