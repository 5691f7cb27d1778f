/**
 * Which machine a host name means. An inspector lets whoever reaches it run code in its process, so one that is not on this
 * machine is only talked to after a question.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { formatAddress } from './address';
import { connectError } from './connection';
import { TargetError } from './target';

export interface ResolvedHost {
  /** In the order in which they are to be tried. */
  readonly addresses: readonly string[];
  /** Every one of them is of this machine. */
  readonly loopback: boolean;
}

/**
 * Looked up once, and what it gave is what is connected to: a name that means this machine when it is checked must not mean
 * another when it is dialled (DNS rebinding).
 * @throws {TargetError} `refused` when there is no such host, `remote host`
 */
export async function resolveHost(host: string, port: number, allowRemote: boolean): Promise<ResolvedHost> {
  let addresses: string[];
  try {
    addresses = (await lookup(host, { all: true })).map(({ address }) => dialable(address));
  } catch (error) {
    throw connectError(error, formatAddress(host, port));
  }
  const loopback = addresses.length > 0 && addresses.every(isLoopback);
  if (!loopback && !allowRemote) throw remoteHost(host, port);
  return { addresses, loopback };
}

/** @param address an IP address as the resolver prints it */
export function isLoopback(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return address.startsWith('127.');
    case 6: {
      const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
      return mapped === undefined ? new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname === '[::1]' : isLoopback(mapped);
    }
    default:
      return false;
  }
}

function remoteHost(host: string, port: number): TargetError {
  return new TargetError(
    'remote host',
    `${formatAddress(host, port)} is not on this machine. Whoever can reach an open inspector controls its process, and what is sent is not encrypted.`,
  );
}

/** "Every address" is where a server listens; a client reaches it on this machine. */
function dialable(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  return address === '::' ? '::1' : address;
}
