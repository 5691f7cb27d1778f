/** The layer rules of the lint bite: each forbidden import below is reported, each allowed one is not. */
import { ESLint } from 'eslint';
import { join } from 'node:path';
import tseslint from 'typescript-eslint';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');

/** The repository's own configuration without type information, which a file that is not on the disk cannot have. */
const eslint = new ESLint({
  cwd: ROOT,
  overrideConfig: [{ files: ['**/*.ts'], ...tseslint.configs.disableTypeChecked }],
});

/** Rules that a snippet at the given place breaks. */
async function rulesBrokenBy(file: string, code: string): Promise<readonly (string | null)[]> {
  const [result] = await eslint.lintText(`${code}\n`, { filePath: join(ROOT, file) });
  return (result?.messages ?? []).map((message) => message.ruleId);
}

const LAYER = 'import-x/no-restricted-paths';
const IMPORT = '@typescript-eslint/no-restricted-imports';

describe('forbidden', () => {
  test.each([
    ['core on the protocol', 'src/core/model/probe.ts', "export type { AgentPoll } from '../../protocol/agent';", LAYER],
    ['core on Node', 'src/core/model/probe.ts', "export { readFile } from 'node:fs';", 'import-x/no-nodejs-modules'],
    ['core on VS Code', 'src/core/model/probe.ts', "export type { Uri } from 'vscode';", IMPORT],
    ['protocol on the CDP layer', 'src/protocol/probe.ts', "export type { AttachedTarget } from '../cdp/target';", LAYER],
    ['protocol on code of the core', 'src/protocol/probe.ts', "export { assertNever } from '../core/base/assertNever';", IMPORT],
    ['agent on code of the protocol', 'src/agent/probe.ts', "export { AGENT_STRING_LIMIT } from '../protocol/agent';", IMPORT],
    ['agent on a package', 'src/agent/probe.ts', "export { string } from 'valibot';", IMPORT],
    ['agent on Node', 'src/agent/probe.ts', "export { createHook } from 'node:async_hooks';", 'import-x/no-nodejs-modules'],
    ['agent on the core', 'src/agent/probe.ts', "export type { TaskKind } from '../core/model/task';", LAYER],
    ['cdp on VS Code', 'src/cdp/probe.ts', "export { window } from 'vscode';", IMPORT],
    ['server on VS Code', 'src/server/probe.ts', "export { window } from 'vscode';", IMPORT],
    ['server on the client library', 'src/server/probe.ts', "export { LanguageClient } from 'vscode-languageclient/node';", IMPORT],
    ['host on the CDP layer', 'src/host/probe.ts', "export type { AttachedTarget } from '../cdp/target';", LAYER],
    ['host on a test', 'src/host/probe.ts', "export { NODES } from '../../test/support/nodes';", LAYER],
    ['webview on the CDP layer', 'webview/probe.ts', "export type { AttachedTarget } from '../src/cdp/target';", LAYER],
    ['a barrel', 'src/server/probe.ts', "export { x } from './features/index';", IMPORT],
    ['a default export', 'src/core/probe.ts', 'export default 1;', 'import-x/no-default-export'],
    ['the console', 'src/server/probe.ts', 'console.log(1);', 'no-console'],
  ])('%s', async (_, file, code, rule) => {
    expect(await rulesBrokenBy(file, code)).toContain(rule);
  });
});

describe('allowed', () => {
  test.each([
    ['core on itself', 'src/core/model/probe.ts', "export { assertNever } from '../base/assertNever';"],
    ['protocol on types of the core', 'src/protocol/probe.ts', "export type { Site } from '../core/model/task';"],
    ['agent on types of the protocol', 'src/agent/probe.ts', "export type { AgentPoll } from '../protocol/agent';"],
    ['cdp on the protocol', 'src/cdp/probe.ts', "export { parseAgentPoll } from '../protocol/agent';"],
    ['server on the CDP layer and Node', 'src/server/probe.ts', "export { TargetError } from '../cdp/target';\nexport { join } from 'node:path';"],
    ['cli on the CDP layer and the console', 'src/cli/probe.ts', "export { TargetError } from '../cdp/target';\nconsole.log(1);"],
    ['host on VS Code and the protocol', 'src/host/probe.ts', "export { window } from 'vscode';\nexport { LSP } from '../protocol/lsp';"],
    ['the root on the host', 'src/extension.ts', "export { window } from 'vscode';"],
    ['webview on the model', 'webview/probe.ts', "export type { Site } from '../src/core/model/task';"],
  ])('%s', async (_, file, code) => {
    expect(await rulesBrokenBy(file, code)).toEqual([]);
  });
});
