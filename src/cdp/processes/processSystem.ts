/** What is asked of an operating system to find Node processes and to open their inspectors. */

/** A TCP socket that a process listens on. */
export interface Listener {
  /** As a client of this machine would dial it: the loopback address where the socket is bound to every address. */
  readonly host: string;
  readonly port: number;
  /** Bound to an address of this machine only, as inspectors are by default. */
  readonly loopbackOnly: boolean;
  /** Same for the same socket as long as it is open. */
  readonly id: string;
}

/** One process of this user that runs Node. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number | undefined;
  /** Differs between two processes that had the same id one after the other. */
  readonly identity: string;
  /** Seconds since the epoch or since the boot: for sorting only. */
  readonly startedS: number;
  /** The command line. One element only where the process has replaced it by a title. */
  readonly args: readonly string[];
  /** `NODE_OPTIONS` as the process began with it; undefined where it cannot be read. */
  readonly nodeOptions: string | undefined;
  /** A debugger's bootloader is in the process, which opens an inspector on any port. */
  readonly hasDebuggerBootloader: boolean;
  readonly cwd: string | undefined;
  /** In the order in which they were opened, as far as that can be told. */
  readonly listeners: readonly Listener[];
  /** False: SIGUSR1 would be ignored, or would end the process. Undefined: cannot be told here. */
  readonly catchesSigusr1: boolean | undefined;
  /** False where the process has a network of its own (a container): what it listens on is not reached from here. */
  readonly sharesNetwork: boolean;
  /** Its id as it sees itself, in a container. */
  readonly ownPid: number;
}

export interface ProcessSystem {
  /** This user's Node processes, those of other users left out. */
  list(): Promise<readonly ProcessFacts[]>;
  /** @returns undefined when there is no such process, or it is not Node, or somebody else's. */
  read(pid: number): Promise<ProcessFacts | undefined>;
  /** What keeps {@link read} from answering, in words; undefined when nothing does. */
  why(pid: number): Promise<'no such process' | 'not ours' | 'not node' | undefined>;
  /** Who of this machine listens on a port; undefined when nobody does, or it cannot be told. */
  holderOf(port: number): Promise<{ readonly pid: number | undefined } | undefined>;
  /** @throws with `code` EPERM or ESRCH */
  openInspector(pid: number): void;
}

/** Where processes cannot be listed. `message` says what to do instead. */
export class UnsupportedSystemError extends Error {
  override readonly name = 'UnsupportedSystemError';
}
