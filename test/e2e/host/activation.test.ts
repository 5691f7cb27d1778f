import { describe, it } from 'mocha';
import { equal, ok } from 'node:assert/strict';
import { extensions } from 'vscode';

describe('the extension', () => {
  it('is there and activates', async () => {
    const extension = extensions.getExtension('asyncscope.asyncscope');
    ok(extension !== undefined, 'VS Code knows asyncscope.asyncscope');
    await extension.activate();
    equal(extension.isActive, true);
  });
});
