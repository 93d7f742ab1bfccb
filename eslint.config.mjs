// Lint: type-checked TypeScript rules, and the direction of imports, folder by folder (docs/architecture.md shows the arrows).
import tseslint from 'typescript-eslint';

const NODE_BUILTINS = [
  'node:*',
  'assert',
  'child_process',
  'crypto',
  'fs',
  'fs/*',
  'http',
  'https',
  'net',
  'os',
  'path',
  'stream',
  'url',
];

/** Forbids a folder to import what the arrows do not allow. `typesFrom`: only `import type` is allowed from there. */
function arrows(files, { never = [], packages = [], typesFrom = [] }) {
  const patterns = [
    ...(never.length
      ? [
          {
            regex: `(^|/)(${never.join('|')})(/|$)`,
            message: 'This import goes against the arrows of docs/architecture.md.',
          },
        ]
      : []),
    ...(packages.length
      ? [{ group: packages, message: 'This folder may not use this package; see the arrows of docs/architecture.md.' }]
      : []),
    ...typesFrom.map((folder) => ({
      regex: `(^|/)${folder}(/|$)`,
      allowTypeImports: true,
      message: `Import only types from ${folder}.`,
    })),
  ];
  return {
    files,
    ignores: ['**/*.test.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
  };
}

const PRISMA = ['**/generated/prisma/**', '@prisma/*'];
const TEMPORAL_RUNTIMES = ['@temporalio/client', '@temporalio/worker', '@temporalio/activity', '@temporalio/testing'];

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'node_modules/**',
      'src/generated/**',
      'coverage/**',
      'python-services/**',
      '.wlops/**',
      '**/*.cjs',
      'bench/results/**',
    ],
  },
  ...tseslint.configs.recommendedTypeChecked.map((config) => ({ ...config, files: ['**/*.ts'] })),
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-deprecated': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only config.ts readers and main-*.ts see the environment.' },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'CallExpression[callee.property.name=/^\\$(queryRawUnsafe|executeRawUnsafe)$/]',
          message: 'Use the tagged-template form.',
        },
        {
          selector: 'CallExpression[callee.property.name="any"] CallExpression[callee.property.name="timeout"]',
          message: 'Garbage collection loses the timer of such a signal: use withinTime of activities/within-time.ts.',
        },
      ],
    },
  },
  {
    files: [
      'src/main-*.ts',
      'src/testing/**/*.ts',
      'tests/**/*.ts',
      'bench/**/*.ts',
      '**/*.test.ts',
      'prisma.config.ts',
      'workflows/histories/*.ts',
    ],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    // Test doubles and supertest bodies are loosely typed by nature.
    files: ['**/*.test.ts', 'src/testing/**/*.ts', 'tests/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  arrows(['src/domain/**/*.ts'], {
    never: [
      'contracts',
      'http',
      'services',
      'policies',
      'repositories',
      'storage',
      'temporal',
      'reports',
      'workflows',
      'activities',
      'testing',
    ],
    packages: [...NODE_BUILTINS, ...PRISMA, '@temporalio/*', 'express', 'zod'],
  }),
  arrows(['src/contracts/**/*.ts'], {
    never: [
      'http',
      'services',
      'policies',
      'repositories',
      'storage',
      'temporal',
      'reports',
      'workflows',
      'activities',
      'testing',
    ],
    packages: [...PRISMA, '@temporalio/*', 'express'],
  }),
  arrows(['src/reports/**/*.ts'], {
    never: [
      'http',
      'services',
      'policies',
      'repositories',
      'storage',
      'temporal',
      'workflows',
      'activities',
      'testing',
    ],
    packages: [...PRISMA, '@temporalio/*', 'express'],
  }),
  arrows(['src/policies/**/*.ts'], {
    never: ['http', 'services', 'repositories', 'storage', 'temporal', 'workflows', 'activities', 'testing'],
    packages: [...PRISMA, '@temporalio/*', 'express'],
  }),
  arrows(['src/repositories/**/*.ts'], {
    never: ['http', 'services', 'policies', 'storage', 'temporal', 'reports', 'workflows', 'activities', 'testing'],
    packages: ['@temporalio/*', 'express'],
  }),
  arrows(['src/storage/**/*.ts'], {
    never: [
      'http',
      'services',
      'policies',
      'repositories',
      'temporal',
      'reports',
      'workflows',
      'activities',
      'testing',
    ],
    packages: [...PRISMA, '@temporalio/*', 'express'],
  }),
  arrows(['src/temporal/**/*.ts'], {
    never: ['http', 'services', 'policies', 'storage', 'reports', 'workflows', 'activities', 'testing'],
    packages: [...PRISMA, 'express'],
  }),
  arrows(['src/services/**/*.ts'], {
    never: ['http', 'workflows', 'activities', 'testing'],
    packages: [...PRISMA, 'express'],
  }),
  arrows(['src/http/*/**/*.ts', 'src/http/{api,errors,operation,validation}.ts'], {
    never: ['storage', 'temporal', 'workflows', 'activities', 'testing'],
    packages: [...PRISMA, '@temporalio/*'],
    // The rows that presenters are given.
    typesFrom: ['repositories'],
  }),
  // Puts the control centre together, so that it sees all it is made of.
  arrows(['src/http/app.ts'], {
    never: ['temporal', 'workflows', 'activities', 'testing'],
    packages: [...PRISMA, '@temporalio/*'],
  }),
  arrows(['workflows/*.ts', 'workflows/maintenance/*.ts'], {
    never: [
      'http',
      'services',
      'policies',
      'repositories',
      'storage',
      'temporal',
      'reports',
      'testing',
      'config',
      'logger',
    ],
    packages: [...NODE_BUILTINS, ...PRISMA, ...TEMPORAL_RUNTIMES, 'zod', 'express', 'pino'],
    typesFrom: ['activities'],
  }),
  arrows(['activities/**/*.ts'], {
    never: ['http', 'services', 'policies', 'temporal', 'workflows', 'testing'],
    packages: [...PRISMA, 'express'],
  }),
);
