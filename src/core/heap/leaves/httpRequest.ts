/** HTTP requests: Node's client and server (node: lib/_http_client.js, lib/_http_server.js), `fetch` and undici. */
import { NO_NODE } from '../heapGraph';
import type { NodeIndex } from '../heapGraph';
import type { HeapObjects } from './heapObjects';
import { workLeaf } from './leaf';
import type { Details, Leaf } from './leaf';
import { hostAndPort } from './socket';

/** UTF-16 units of a request's head that are looked through for its host, which stands behind the path and other headers. */
const HEAD_LIMIT = 8_192;

interface Request {
  readonly method: string | null;
  /** `http://10.0.0.7:8080`, or the host alone. */
  readonly origin: string | null;
  readonly path: string | null;
}

/** What Node's HTTP client has asked. */
export function clientRequest(objects: HeapObjects, request: NodeIndex): Request {
  // the host with its port stands in the head, which is written when the request is sent
  const head = objects.textProperty(request, 'header', HEAD_LIMIT);
  const inHead = /^host: *([^\r\n]+)\r\n/im.exec(head ?? '')?.[1] ?? null;
  const host = inHead ?? hostAndPort(objects.textProperty(request, 'host'), objects.numberProperty(request, 'port'));
  const protocol = objects.textProperty(request, 'protocol');
  return {
    method: objects.textProperty(request, 'method'),
    origin: host === null ? null : protocol === null ? host : `${protocol}//${host}`,
    path: withoutQuery(objects.textProperty(request, 'kPath') ?? objects.textProperty(request, 'path')),
  };
}

/** Queries hold tokens and change with every call: alike requests would not be alike. */
function withoutQuery(path: string | null): string | null {
  return path === null ? null : (/^[^?#]*/.exec(path)?.[0] ?? path);
}

export function clientRequestLeaf(objects: HeapObjects, request: NodeIndex, event: string): Leaf {
  const doing = event === 'drain' ? 'waiting for drain' : event === 'finish' ? 'sending' : '';
  return leaf(clientRequest(objects, request), doing, request, event, objects);
}

/** A message that comes in: a server's request, or a client's response. */
export function incomingLeaf(objects: HeapObjects, message: NodeIndex, event: string): Leaf {
  const request = objects.property(message, 'req');
  if (objects.isObject(request)) return leaf(clientRequest(objects, request), 'reading the response', message, event, objects);
  const asked = incomingRequest(objects, message);
  return leaf(asked, 'reading its body', message, event, objects, 'received http request');
}

function incomingRequest(objects: HeapObjects, message: NodeIndex): Request {
  return { method: objects.textProperty(message, 'method'), origin: null, path: withoutQuery(objects.textProperty(message, 'url')) };
}

/** What a server sends. */
export function responseLeaf(objects: HeapObjects, response: NodeIndex, event: string): Leaf {
  const request = objects.property(response, 'req');
  const doing = event === 'drain' ? 'waiting for drain' : event === 'finish' ? 'sending the response' : "the response's close";
  return leaf(incomingRequest(objects, request), doing, response, event, objects, 'received http request');
}

/** A request of undici's, as it stands in a client's queue. */
export function undiciRequestLeaf(objects: HeapObjects, request: NodeIndex): Leaf {
  const asked = {
    method: objects.textProperty(request, 'method'),
    origin: objects.textProperty(request, 'origin'),
    path: withoutQuery(objects.textProperty(request, 'path')),
  };
  return leaf(asked, '', request, '', objects);
}

/** A client's stream of an HTTP/2 connection. */
export function http2Leaf(objects: HeapObjects, stream: NodeIndex, event: string): Leaf {
  const headers = objects.property(stream, 'sentHeaders');
  const asked = {
    method: objects.textProperty(headers, 'headerMethod'),
    origin: objects.textProperty(stream, 'http2Origin'),
    path: withoutQuery(objects.textProperty(headers, 'headerPath')),
  };
  return leaf(asked, event === 'data' || event === 'readable' || event === 'end' ? 'reading the response' : '', stream, event, objects);
}

/** A request of `fetch`, which undici keeps as a plain object with a list of URLs. */
export function fetchLeaf(objects: HeapObjects, request: NodeIndex, doing: string): Leaf {
  const list = objects.property(request, 'urlList');
  let url: string | null = null;
  for (let i = 0; ; i++) {
    const each = objects.element(list, i);
    if (!objects.isObject(each)) break;
    url = hrefOf(objects, each) ?? url;
  }
  const parts = /^([a-z]+:\/\/[^/?#]*)([^?#]*)/i.exec(url ?? '');
  const asked = { method: objects.textProperty(request, 'method'), origin: parts?.[1] ?? null, path: parts?.[2] ?? null };
  return leaf(asked, doing, request, '', objects, 'http request', 'fetch');
}

/** A `URL` keeps its text in an object of its own (node: lib/internal/url.js). */
export function hrefOf(objects: HeapObjects, url: NodeIndex): string | null {
  let context = objects.property(url, 'urlContext');
  if (context === NO_NODE) context = url;
  return objects.textProperty(context, 'href');
}

function leaf(request: Request, doing: string, node: NodeIndex, event: string, objects: HeapObjects, noun = 'http request', api?: string): Leaf {
  const { method, origin, path } = request;
  const details: Details = {};
  if (api !== undefined) details['api'] = api;
  if (method !== null) details['method'] = method;
  if (origin !== null) details['origin'] = origin;
  if (path !== null) details['path'] = path;
  if (event !== '') details['event'] = event;
  const target = `${origin ?? ''}${path ?? ''}`;
  const name = [noun, method, target].filter((part) => part !== null && part !== '').join(' ');
  const text = [doing === '' ? name : `${name}: ${doing}`];
  const isOpen = !objects.isTrue(objects.property(node, 'destroyed'));
  return workLeaf({ kind: 'http request', text, details, node, event }, { isOpen, keyKind: 'http request' });
}
