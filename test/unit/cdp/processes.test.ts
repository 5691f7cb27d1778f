/** What processes say of themselves: command lines, socket tables, the output of `ps` and `lsof`. */
import { describe, expect, test } from 'vitest';
import { isLoopback } from '../../../src/cdp/hosts';
import { inspectorOptions, isNodeBinary, processName, readCommandLine, sigusr1Blocker, splitNodeOptions } from '../../../src/cdp/processes/commandLine';
import { catches, parseSocketTable } from '../../../src/cdp/processes/linux';
import { macProcesses, parsePrograms, parsePs } from '../../../src/cdp/processes/macos';
import { processSystem } from '../../../src/cdp/processes/nodeProcesses';

describe('the binary', () => {
  test.each(['/usr/bin/node', '/usr/bin/nodejs', '/opt/node20', 'C:\\Program Files\\nodejs\\node.exe', '/usr/bin/node (deleted)'])('%s is Node', (path) => {
    expect(isNodeBinary(path)).toBe(true);
  });
  test.each(['/usr/bin/bun', '/usr/bin/node_exporter', '/usr/share/code/code', '/usr/bin/nodemon'])('%s is not', (path) => {
    expect(isNodeBinary(path)).toBe(false);
  });
});

describe('the script', () => {
  test.each([
    [['node', 'app.js', '--inspect'], 'app.js', []],
    [['node', '--require', './x.js', '--inspect=9230', '/srv/a/app.js'], '/srv/a/app.js', ['--require', './x.js', '--inspect=9230']],
    [['node', '-e', 'code', 'argument'], undefined, ['-e', 'code']],
    [['node', '--eval=code'], undefined, ['--eval=code']],
    [['node', '--watch', '--', '-odd.js'], '-odd.js', ['--watch']],
    [['node'], undefined, []],
    [['npm start'], undefined, []],
  ])('of %j', (args, script, options) => {
    expect(readCommandLine(args)).toMatchObject({ script, options });
  });
  test.each([
    [['node', '/srv/shop/server.js'], 'shop/server.js'],
    [['node', '--watch', 'server.js'], 'server.js (--watch)'],
    [['node', '-e', 'secret()'], 'node -e'],
    [['node'], 'node'],
    [['npm start'], 'npm start'],
  ])('%j is called %s', (args, name) => {
    expect(processName(args)).toBe(name);
  });
});

describe('where the inspector listens', () => {
  test.each([
    [['node', 'a.js'], '', { opens: false, host: '127.0.0.1', port: 9229 }],
    [['node', '--inspect', 'a.js'], '', { opens: true, host: '127.0.0.1', port: 9229 }],
    [['node', '--inspect-brk=0', 'a.js'], '', { opens: true, host: '127.0.0.1', port: 0 }],
    [['node', '--inspect=0.0.0.0:9300', 'a.js'], '', { opens: true, host: '0.0.0.0', port: 9300 }],
    [['node', '--inspect=[::1]:9300', 'a.js'], '', { opens: true, host: '::1', port: 9300 }],
    [['node', '--inspect=localhost', 'a.js'], '', { opens: true, host: 'localhost', port: 9229 }],
    [['node', '--inspect-port', '9400', 'a.js'], '', { opens: false, host: '127.0.0.1', port: 9400 }],
    [['node', 'a.js'], '--inspect=9500 --enable-source-maps', { opens: true, host: '127.0.0.1', port: 9500 }],
    [['node', '--inspect=9600', 'a.js'], '--inspect-port=9500', { opens: true, host: '127.0.0.1', port: 9600 }],
    // the program's own arguments are none of Node's
    [['node', 'a.js', '--inspect=1'], '', { opens: false, host: '127.0.0.1', port: 9229 }],
  ])('%j with NODE_OPTIONS=%j', (args, nodeOptions, expected) => {
    expect(inspectorOptions(args, nodeOptions)).toEqual(expected);
  });
  test('NODE_OPTIONS are split as Node does', () => {
    expect(splitNodeOptions('--a  "--b c" --d="e \\"f\\""')).toEqual(['--a', '--b c', '--d=e "f"']);
  });
  test.each([
    [['node', '--permission', 'a.js'], '--permission'],
    [['node', '--permission', '--allow-inspector', 'a.js'], undefined],
    [['node', 'a.js', '--disable-sigusr1'], undefined],
  ])('%j blocks SIGUSR1: %s', (args, blocker) => {
    expect(sigusr1Blocker(args)).toBe(blocker);
  });
});

test('a mask of caught signals is read bit by bit', () => {
  expect(catches('SigCgt:\t0000000100004602\n', 10)).toBe(true);
  expect(catches('SigCgt:\t0000000100004402\n', 10)).toBe(false);
  expect(catches('Name: node\n', 10)).toBeUndefined();
});

test('listening sockets are read from the table of the kernel', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:240D 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1
   2: 0100007F:240D 0100007F:A000 01 00000000:00000000 00:00000000 00000000     0        0 333 1`;
  expect(parseSocketTable(table)).toEqual([
    { host: '127.0.0.1', port: 9229, loopbackOnly: true, id: '111' },
    { host: '127.0.0.1', port: 8080, loopbackOnly: false, id: '222' },
  ]);
  const table6 = `header
   0: 00000000000000000000000001000000:240D 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 444 1
   1: 00000000000000000000000000000000:240E 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 555 1
   2: B80D0120000000000000000001000000:240F 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 666 1`;
  expect(parseSocketTable(table6)).toEqual([
    { host: '::1', port: 9229, loopbackOnly: true, id: '444' },
    { host: '127.0.0.1', port: 9230, loopbackOnly: false, id: '555' },
    { host: '2001:db8::1', port: 9231, loopbackOnly: false, id: '666' },
  ]);
});

describe('macOS', () => {
  const ps = `  501     1   501 Sat Nov 21 00:38:54 2026 /usr/local/bin/node --inspect server.js
  502     1     0 Sat Nov  1 00:38:54 2026 /usr/local/bin/node root.js
  503   501   501 Sat Nov 21 00:38:54 2026 /bin/zsh -l`;
  test('processes are read from ps', () => {
    expect(parsePs(ps, new Map())[1]).toEqual({ pid: 502, parent: 1, uid: 0, started: 'Sat Nov 1 00:38:54 2026', program: '/usr/local/bin/node', rest: ['root.js'] });
  });
  test('a path with spaces is one argument', () => {
    const node = '/Users/me/Library/Application Support/fnm/bin/node';
    const text = ` 504 1 501 Sat Nov 21 00:38:54 2026 ${node} app.js --port 80`;
    expect(parsePs(text, parsePrograms(` 504 ${node}\n 505 -zsh\n`))).toMatchObject([{ program: node, rest: ['app.js', '--port', '80'] }]);
  });
  test("the user's Node processes are listed with folder and sockets", async () => {
    const system = macProcesses(501, (program, args) => {
      if (program === 'ps') return Promise.resolve(args.includes('pid=,comm=') ? '' : ps);
      return Promise.resolve(args.includes('cwd') ? 'p501\nfcwd\nn/Users/me/shop\n' : 'p501\nf20\nn127.0.0.1:9229\nf21\nn*:8080\n');
    });
    expect(await system.list()).toMatchObject([
      {
        pid: 501,
        cwd: '/Users/me/shop',
        catchesSigusr1: undefined,
        listeners: [{ host: '127.0.0.1', port: 9229, loopbackOnly: true }, { host: '127.0.0.1', port: 8080, loopbackOnly: false }],
      },
    ]);
  });
});

test('elsewhere the list says what to do instead', () => {
  expect(() => processSystem('win32')).toThrow(/--inspect/);
});

describe('this machine', () => {
  test.each(['127.0.0.1', '127.0.0.2', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'])('%s', (address) => {
    expect(isLoopback(address)).toBe(true);
  });
  test.each(['10.0.0.1', '128.0.0.1', '::2', 'fe80::1%eth0', '::ffff:10.0.0.1', 'localhost', '127.evil.example', ''])('not %s', (address) => {
    expect(isLoopback(address)).toBe(false);
  });
});
