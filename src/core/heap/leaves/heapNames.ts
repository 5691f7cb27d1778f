/**
 * Names of edges and nodes that Node's and V8's objects are known by. They are looked up once per snapshot; in loops only numbers
 * are compared. Each stands for what Node 20 to 26 call it; where a version calls it otherwise, both are here.
 */
import type { StringTable } from '../heapGraph';

const NAMES = {
  // V8 (src/profiler/heap-snapshot-generator.cc)
  bindings: 'bindings',
  boundFunction: 'bound_function',
  code: 'code',
  constructorKey: 'constructor',
  context: 'context',
  elements: 'elements',
  extension: 'extension',
  first: 'first',
  functionEdge: 'function',
  parameters: 'parameters_and_registers',
  previous: 'previous',
  properties: 'properties',
  proto: '__proto__',
  prototype: 'prototype',
  reactions: 'reactions_or_result',
  second: 'second',
  table: 'table',
  value: 'value',
  atomicsWaiters: 'atomics_waitasync_promises',
  globalHandlesName: '(Global handles)',
  stackRootsName: '(Stack roots)',
  toNative: 'javascript_to_native',
  // names of nodes
  arrayName: 'Array',
  objectName: 'Object',
  promiseName: 'Promise',
  emptyName: '',
  contextName: 'system / Context',
  reactionName: 'system / PromiseReaction',
  capabilityName: 'system / PromiseCapability',
  propertyArrayName: 'system / PropertyArray',
  mapName: 'Map',
  // code of V8's builtins; "handle" on Node 20
  rejectCode: '(PromiseCapabilityDefaultReject builtin code)',
  rejectHandle: '(PromiseCapabilityDefaultReject builtin handle)',
  // values
  trueName: 'true',
  falseName: 'false',
  nullName: 'null',
  undefinedName: 'undefined',
  trueRoot: 'true_value',
  falseRoot: 'false_value',
  nullRoot: 'null_value',
  undefinedRoot: 'undefined_value',
  // node: lib/internal/timers.js
  idleTimeout: '_idleTimeout',
  idleStart: '_idleStart',
  idleNext: '_idleNext',
  idlePrev: '_idlePrev',
  onTimeout: '_onTimeout',
  repeat: '_repeat',
  destroyedField: '_destroyed',
  refed: '<symbol refed>',
  onImmediate: '_onImmediate',
  // node: lib/events.js, lib/internal/event_target.js
  events: '_events',
  maxListeners: '_maxListeners',
  listener: 'listener',
  next: 'next',
  callback: 'callback',
  kEvents: '<symbol kEvents>',
  handler: 'handler',
  eventTargetLimit: '<symbol events.maxEventTargetListeners>',
  aborted: '<symbol kAborted>',
  weakRef: 'weakRef',
  signalTimeout: '<symbol kTimeout>',
  emitter: 'emitter',
  event: 'event',
  unconsumedPromises: 'unconsumedPromises',
  eventEmitter: 'eventEmitter',
  // node: lib/net.js, lib/_tls_wrap.js, lib/dgram.js
  ownerSymbol: '<symbol owner_symbol>',
  pendingEncoding: '_pendingEncoding',
  handle: '_handle',
  kHandle: '<symbol kHandle>',
  host: 'host',
  hostname: 'hostname',
  port: 'port',
  address: 'address',
  hostField: '_host',
  peername: '_peername',
  sockname: '_sockname',
  connecting: 'connecting',
  connectionKey: '_connectionKey',
  connections: '_connections',
  server: 'server',
  pipeName: '_pipeName',
  handleField: 'handle',
  datagramState: '<symbol state symbol>',
  isStdio: '_isStdio',
  fd: 'fd',
  kFd: '<symbol kFd>',
  kSocket: '<symbol kSocket>',
  socketField: 'socket',
  attemptedAddresses: 'autoSelectFamilyAttemptedAddresses',
  kState: '<symbol kState>',
  // node: lib/_http_client.js, lib/_http_incoming.js, lib/_http_outgoing.js, lib/_http_server.js
  method: 'method',
  path: 'path',
  kPath: '<symbol kPath>',
  url: 'url',
  header: '_header',
  outputData: 'outputData',
  rawHeaders: 'rawHeaders',
  req: 'req',
  timeoutCb: 'timeoutCb',
  protocol: 'protocol',
  httpMessage: '_httpMessage',
  agentKey: '_agentKey',
  // undici, Node's and the package
  urlList: 'urlList',
  href: 'href',
  urlContext: '#context',
  request: 'request',
  fetchParams: 'fetchParams',
  fn: 'fn',
  pull: 'pull',
  cancel: 'cancel',
  processResponse: 'processResponse',
  origin: 'origin',
  idempotent: 'idempotent',
  symbolQueue: '<symbol queue>',
  // node: lib/internal/http2/core.js
  sentHeaders: '<symbol sent-headers>',
  http2Origin: '<symbol origin>',
  headerMethod: ':method',
  headerPath: ':path',
  // node: lib/internal/child_process.js, lib/internal/worker.js, lib/internal/worker/io.js
  spawnfile: 'spawnfile',
  pid: 'pid',
  stdio: 'stdio',
  stdin: 'stdin',
  stdout: 'stdout',
  stderr: 'stderr',
  channel: 'channel',
  kPublicPort: '<symbol kPublicPort>',
  kPort: '<symbol kPort>',
  threadId: 'threadId',
  kName: '<symbol kName>',
  // node: lib/internal/streams
  readableState: '_readableState',
  writableState: '_writableState',
  highWaterMark: 'highWaterMark',
  length: 'length',
  pipes: 'pipes',
  readMethod: '_read',
  performingIO: '<symbol kIsPerformingIO>',
  objectMode: 'objectMode',
  // node: lib/internal/webstreams
  stream: 'stream',
  controller: 'controller',
  pullAlgorithm: 'pullAlgorithm',
  cancelAlgorithm: 'cancelAlgorithm',
  // node: lib/internal/readline/interface.js
  killRing: '<symbol _killRing>',
  input: 'input',
  destroyed: 'destroyed',
  // requests
  oncomplete: 'oncomplete',
  ready: 'ready',
  contextField: 'context',
  localAddress: 'localAddress',
} as const;

/** All that {@link lookUpNames} looks up. */
export const NAME_TEXTS: readonly string[] = Object.values(NAMES);

export type NameKey = keyof typeof NAMES;
/** String indices; {@link ABSENT} where the snapshot has no such string, so that no edge or node compares equal. */
export type HeapNames = Readonly<Record<NameKey, number>>;

export const ABSENT = -1;

export function lookUpNames(strings: StringTable): HeapNames {
  const keys = Object.keys(NAMES) as NameKey[];
  const found = strings.find(keys.map((key) => NAMES[key]));
  // The copy of a literal has fields. To V8 an object that so many properties are added to one by one is a hash table, in which each
  // comparison with a name would be a look-up.
  const names: Record<NameKey, number | string> = { ...NAMES };
  keys.forEach((key, i) => {
    names[key] = found[i] ?? ABSENT;
  });
  return names as HeapNames;
}
