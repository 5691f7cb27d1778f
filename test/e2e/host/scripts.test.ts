/** Code that is on no disk of this machine opens all the same: read-only, from whoever has it. */
import { after, before, describe, it } from 'mocha';
import { equal, match } from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commands, debug, window } from 'vscode';
import type { TextEditor } from 'vscode';
import type { Session } from '../../../src/host/sessions/sessionStore.ts';
import type { AsyncscopeTestApi } from '../../../src/host/testApi.ts';
import { activate, attachedSession, eventually, noSessions, startTarget } from './support.ts';

const NAME = 'made-up-name';

/** Evaluates a text of its own under a made-up name. */
const SOURCE = `const held = [];
require('node:vm').runInThisContext('(held) => {\\n  for (let i = 0; i < 3; i++) held.push(new Promise(() => undefined));\\n}', { filename: '${NAME}' })(held);
setTimeout(() => {
  require('node:vm').runInThisContext('(held) => {\\n  held.push(setInterval(() => held, 60000));\\n}', { filename: '${NAME}-2' })(held);
}, 5000);
setInterval(() => held.length, 60_000);
`;

describe('scripts that are in no file', () => {
  let api: AsyncscopeTestApi;
  let directory: string;

  before(async () => {
    api = await activate();
    directory = await mkdtemp(join(tmpdir(), 'asyncscope-scripts-'));
  });

  after(async () => {
    await rm(directory, { recursive: true, force: true });
    await commands.executeCommand('workbench.action.closeAllEditors');
  });

  async function openEvaluated(): Promise<TextEditor> {
    const found = await eventually('a site in evaluated code', () => {
      const sites = api.sessions().flatMap((session: Session) => [...session.sites.values()].map((site) => ({ session, site })));
      return sites.find(({ site }) => site.file === `${NAME}-2`);
    });
    await commands.executeCommand('asyncscope.openSite', { sessionId: found.session.id, siteId: found.site.id });
    return eventually('its document', () => window.visibleTextEditors.find(({ document }) => document.uri.scheme === 'asyncscope-script'));
  }

  it('is shown by the debugger that has it', async () => {
    const program = join(directory, 'evaluates.js');
    await writeFile(program, SOURCE);
    equal(await debug.startDebugging(undefined, { type: 'node', request: 'launch', name: 'Evaluates', program }), true);
    try {
      await attachedSession(api);
      const { document, selection } = await openEvaluated();
      match(document.getText(), /held\.push\(setInterval/);
      equal(document.languageId, 'javascript');
      equal(document.uri.path.endsWith(`/${NAME}-2`), true);
      equal(selection.active.line, 1);
    } finally {
      await debug.stopDebugging();
      await commands.executeCommand('workbench.action.closeAllEditors');
      await noSessions(api);
    }
  });

  it('is told of without a debugger', async () => {
    const target = await startTarget(0, { source: SOURCE });
    try {
      await commands.executeCommand('asyncscope.attach', target.address);
      const { document } = await openEvaluated();
      match(document.getText(), /attach the debugger/);
    } finally {
      await noSessions(api);
      await target.stop();
    }
  });
});
