// @ts-check
import { defineConfig } from 'eslint/config';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * The layers, and what each may import besides itself: folders, or single files without their extension. Everything
 * that is not listed is forbidden. See ARCHITECTURE.md.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const LAYERS = {
  'src/core': [],
  'src/protocol': ['src/core'],
  'src/agent': ['src/protocol', 'src/core/base/scriptGlob', 'src/core/base/agentTimer'],
  'src/cdp': ['src/core', 'src/protocol'],
  'src/server': ['src/core', 'src/protocol', 'src/cdp'],
  'src/cli': ['src/core', 'src/protocol', 'src/cdp', 'src/server/session', 'src/server/sourceMaps', 'src/server/heapWorker/analyzeSnapshot', 'src/server/heapWorker/messages', 'src/server/heapWorker/memory', 'src/server/dump', 'src/server/heapSnapshotFile'],
  'src/host': ['src/core', 'src/protocol'],
  webview: ['src/protocol', 'src/core/format', 'src/core/model', 'src/core/base'],
};

/** Layers that know neither Node's modules nor, by their tsconfig, its globals. */
const WITHOUT_NODE = ['src/core', 'src/protocol', 'src/agent'];

const VSCODE = {
  group: ['vscode', 'vscode-languageclient', 'vscode-languageclient/*'],
  message: "Only src/host and src/extension.ts talk to VS Code. A language server cannot even load 'vscode'.",
};
const FOLDER_ENTRY = {
  regex: String.raw`^\.\.?(/\.\.)*/?$|/index(\.[jt]s)?$`,
  message: 'No barrels: import the file that has it.',
};
const TYPES_ONLY = {
  protocol: {
    group: ['**/protocol/*', 'valibot'],
    allowTypeImports: true,
    message: 'The agent runs inside the target and stays free of dependencies: take types only.',
  },
  core: {
    group: ['**/core/**'],
    allowTypeImports: true,
    message: 'The protocol describes what the core models: take types only.',
  },
};

/** @param {Record<string, unknown>[]} patterns */
function restrictedImports(...patterns) {
  return /** @type {const} */ ({
    '@typescript-eslint/no-restricted-imports': ['error', { patterns: [FOLDER_ENTRY, ...patterns] }],
  });
}

export default defineConfig(
  {
    ignores: [
      '**/node_modules/',
      '**/dist/',
      'out/',
      'test-results/',
      'test/fixtures/',
      'test/e2e/fixtures/',
      'test/e2e/.vscode-test/',
    ],
  },
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
  },
  {
    files: ['**/*.ts', '*.mts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    settings: {
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js', '.mjs', '.json'] })],
    },
    rules: {
      'import-x/no-default-export': 'error',
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones: zones() }],
      eqeqeq: ['error', 'always'],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: false }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Contradicts no-non-null-assertion, which is the one we want.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // `while (true)` with a break is the plainest form of some loops.
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: 'only-allowed-literals' }],
      // `tsc` has its own rule for this, noPropertyAccessFromIndexSignature, and both styles read well.
      '@typescript-eslint/dot-notation': 'off',
      ...restrictedImports(VSCODE),
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['src/cli/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: WITHOUT_NODE.map((layer) => `${layer}/**/*.ts`),
    rules: { 'import-x/no-nodejs-modules': 'error' },
  },
  {
    files: ['src/agent/**/*.ts'],
    rules: {
      ...restrictedImports(VSCODE, TYPES_ONLY.protocol),
      // The target may have replaced methods of built-in prototypes, iterators included: plain loops over saved
      // references are the rule here.
      '@typescript-eslint/prefer-for-of': 'off',
      '@typescript-eslint/prefer-string-starts-ends-with': 'off',
      '@typescript-eslint/unbound-method': 'off',
      // Globals with random names come and go.
      '@typescript-eslint/no-dynamic-delete': 'off',
    },
  },
  {
    // Not part of the agent: Node itself requires it, as a module.
    files: ['src/agent/preload.ts'],
    rules: { 'import-x/no-nodejs-modules': 'off' },
  },
  {
    files: ['src/protocol/**/*.ts'],
    rules: restrictedImports(VSCODE, TYPES_ONLY.core),
  },
  {
    files: ['src/host/**/*.ts', 'src/extension.ts', 'test/e2e/host/**/*.ts', 'test/bench/host/**/*.ts'],
    rules: restrictedImports(),
  },
  {
    // Node runs these as they are: only syntax that can be erased.
    files: ['scripts/**/*.ts', 'test/e2e/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', 'TSParameterProperty', 'TSEnumDeclaration', 'TSModuleDeclaration[kind!="global"]'],
    },
  },
  {
    // The sample is written as services are written, and leaks on purpose.
    files: ['examples/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['*.config.mts'],
    rules: { 'import-x/no-default-export': 'off' },
  },
);

/** One zone for each layer: it may import itself and what its row names, and nothing else of ours. */
function zones() {
  return Object.entries(LAYERS).map(([layer, allowed]) => ({
    target: `./${layer}`,
    from: '.',
    except: ['node_modules', 'package.json', layer, ...allowed.flatMap((path) => [path, `${path}.ts`])],
    message: `${layer} may import ${allowed.length === 0 ? 'nothing else of ours' : `only ${allowed.join(', ')} of ours`}.`,
  }));
}
