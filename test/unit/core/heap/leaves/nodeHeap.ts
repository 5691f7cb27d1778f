/** Objects of Node's in a built heap: what a snapshot with the values of numbers has of them. */
import { AsyncHeap } from '../asyncHeap';
import type { BuiltNode } from '../snapshotBuilder';

export class NodeHeap extends AsyncHeap {
  readonly #true = this.builder.hidden('true');
  readonly #false = this.builder.hidden('false');
  readonly #null = this.builder.hidden('null');
  readonly #undefined = this.builder.hidden('undefined');
  #nodeScript: BuiltNode | undefined;

  value(value: boolean | null | undefined | number | string): BuiltNode {
    if (value === true) return this.#true;
    if (value === false) return this.#false;
    if (value === null) return this.#null;
    if (value === undefined) return this.#undefined;
    if (typeof value === 'string') return this.builder.string(value);
    return this.builder.number().internal('value', this.builder.string(String(value)));
  }

  object(name: string, properties: Readonly<Record<string, BuiltNode | boolean | null | undefined | number | string>>): BuiltNode {
    const object = this.builder.object(name);
    for (const [key, value] of Object.entries(properties)) {
      object.property(key, typeof value === 'object' && value !== null ? value : this.value(value));
    }
    return object;
  }

  array(...elements: readonly BuiltNode[]): BuiltNode {
    const array = this.builder.object('Array');
    elements.forEach((element, i) => array.element(i, element));
    return array;
  }

  /** A function that captures `variables`. */
  capturing(name: string, variables: Readonly<Record<string, BuiltNode>>): BuiltNode {
    return this.closure(name, this.scope(variables));
  }

  /** A scope inside the module's. */
  scope(variables: Readonly<Record<string, BuiltNode>>): BuiltNode {
    const scope = this.builder.functionContext().internal('previous', this.builder.functionContext());
    for (const [name, value] of Object.entries(variables)) scope.context(name, value);
    return scope;
  }

  /** A function of Node's own. */
  nodeFunction(name: string, context?: BuiltNode): BuiltNode {
    this.#nodeScript ??= this.builder.code('node:internal/test');
    const shared = this.builder.code(name).internal('script', this.#nodeScript);
    const closure = this.builder.closure(name).at(1, 1, 1).internal('shared', shared);
    return context === undefined ? closure : closure.internal('context', context);
  }

  timeout(callback: BuiltNode, delayMs: number, fields: Readonly<Record<string, BuiltNode | boolean | null | number>> = {}): BuiltNode {
    return this.object('Timeout', {
      _idleTimeout: delayMs,
      _idleNext: this.builder.object('TimersList'),
      _idleStart: 1000,
      _onTimeout: callback,
      _repeat: null,
      _destroyed: false,
      '<symbol refed>': true,
      ...fields,
    });
  }

  emitter(name: string, listeners: Readonly<Record<string, BuiltNode>>, fields: Readonly<Record<string, BuiltNode | boolean | null | undefined | number | string>> = {}): BuiltNode {
    return this.object(name, { _events: this.object('Object', listeners), _maxListeners: undefined, ...fields });
  }

  /** What native code holds: the wrap of a handle or a request that is open. */
  native(name: string, nativeName: string, properties: Readonly<Record<string, BuiltNode | boolean | null | number | string>> = {}): BuiltNode {
    const object = this.object(name, properties);
    const native = this.builder.native(`Node / ${nativeName}`).internal('native_to_javascript', object);
    this.globalHandles.internal(name, object);
    return object.internal('javascript_to_native', native);
  }

  socket(listeners: Readonly<Record<string, BuiltNode>>, fields: Readonly<Record<string, BuiltNode | boolean | null | number | string>> = {}): BuiltNode {
    const handle = this.native('TCP', 'TCPSocketWrap');
    const socket = this.emitter('Socket', listeners, {
      connecting: false,
      '<symbol kHandle>': handle,
      _host: null,
      _pendingEncoding: '',
      server: null,
      _readableState: this.builder.object('ReadableState'),
      _writableState: this.builder.object('WritableState'),
      ...fields,
    });
    handle.property('<symbol owner_symbol>', socket);
    return socket;
  }

  /** A Map with these entries, as V8's ordered hash table has them. */
  map(entries: Readonly<Record<string, BuiltNode>>): BuiltNode {
    const table = this.builder.array();
    let at = 5;
    for (const [key, value] of Object.entries(entries)) {
      table.internal(String(at), this.value(key)).internal(String(at + 1), value);
      at += 3;
    }
    return this.builder.object('Map').internal('table', table);
  }

  /** An event target with one listener of each event. */
  eventTarget(name: string, listeners: Readonly<Record<string, readonly BuiltNode[]>>, fields: Readonly<Record<string, BuiltNode | boolean | number>> = {}): BuiltNode {
    const heads: Record<string, BuiltNode> = {};
    for (const [event, callbacks] of Object.entries(listeners)) {
      const head = this.object('Object', { size: callbacks.length });
      let previous = head;
      for (const callback of callbacks) {
        const listener = this.object('Listener', { previous, listener: callback, callback });
        previous.property('next', listener);
        previous = listener;
      }
      heads[event] = head;
    }
    return this.object(name, { '<symbol kEvents>': this.map(heads), ...fields });
  }
}

export function nodeHeap(): NodeHeap {
  return new NodeHeap();
}
