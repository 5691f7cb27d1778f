import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { DEFAULT_SERVER_SETTINGS, attachParams, heapSnapshotParams, initializationOptions, serverSettings, watchParams } from '../../../src/protocol/lsp';

describe('settings', () => {
  test('are by default what they may be', () => {
    expect(v.parse(serverSettings, DEFAULT_SERVER_SETTINGS)).toEqual(DEFAULT_SERVER_SETTINGS);
  });

  test.each([[undefined], [null], [{}], [{ codeLens: false }], [{ pollIntervalMs: 250, unknown: 1 }]])('may begin as %j', (options) => {
    expect(v.is(initializationOptions, options)).toBe(true);
  });

  test.each([[{ pollIntervalMs: 10 }], [{ pollIntervalMs: 1.5 }], [{ budgetPercent: 0 }], [{ codeLens: 'yes' }], ['x']])('may not begin as %j', (options) => {
    expect(v.is(initializationOptions, options)).toBe(false);
  });
});

describe('parameters', () => {
  test.each([
    [attachParams, { target: '9229' }, true],
    [attachParams, { proxy: { host: 'localhost', port: 1, path: '/x' }, debugSessionId: 'a' }, true],
    [attachParams, { proxy: 'localhost:1' }, false],
    [attachParams, { target: 'x'.repeat(5000) }, false],
    [watchParams, { sessionId: 'a', siteIds: [] }, true],
    [watchParams, { sessionId: 'a', siteIds: [1] }, false],
    [heapSnapshotParams, { sessionId: 'a', file: '/a', workDoneToken: 7 }, true],
    [heapSnapshotParams, { sessionId: 'a', file: '/a', workDoneToken: {} }, false],
  ])('%# are checked', (schema, params, valid) => {
    expect(v.is(schema as v.GenericSchema, params)).toBe(valid);
  });
});
