/** The sample service as a process of its own under the inspector, for what needs no debugger. */
import { SAMPLE } from '../../../scripts/lib/paths.ts';
import { startLeashed } from '../../../scripts/lib/processes.ts';
import { toolNode } from '../../../scripts/lib/setup.ts';
import { cleanEnvironment } from '../../../scripts/lib/workbenchServer.ts';

export interface SampleService {
  /** Of its inspector. */
  readonly port: number;
  /** Resolves once the process is gone. */
  readonly exited: Promise<number>;
  /** Stops it where it is, as a debugger or a machine without memory can: it answers nothing until {@link thaw}. */
  freeze(): void;
  thaw(): void;
  /** Ends it. Idempotent. */
  stop(): Promise<void>;
}

export interface SampleOptions {
  /** Requests per second that it sends to itself. */
  readonly load: number;
  readonly leaks: readonly string[];
  /** For Node, before the script. */
  readonly nodeArgs?: readonly string[];
}

/**
 * Resolves when the service is open. All its ports are free ones.
 * @throws {Error} with its output when it ends instead
 */
export async function startSample({ load, leaks, nodeArgs = [] }: SampleOptions): Promise<SampleService> {
  const args = ['--inspect=127.0.0.1:0', '--enable-source-maps', ...nodeArgs, 'dist/server.js', '--port', '0', '--load', String(load), '--leak', leaks.join(',')];
  const child = startLeashed(toolNode(), args, { cwd: SAMPLE, env: cleanEnvironment() });
  let output = '';
  const port = await new Promise<number>((resolve, reject) => {
    const onOutput = (chunk: Buffer): void => {
      output += chunk.toString();
      const match = /ws:\/\/127\.0\.0\.1:(\d+)\//.exec(output);
      if (match?.[1] !== undefined && output.includes('Orders service is open')) resolve(Number(match[1]));
    };
    child.stdout.on('data', onOutput);
    child.stderr.on('data', onOutput);
    child.exited.then(
      (code) => reject(new Error(`The sample service ended with exit code ${code}.\n${output}`)),
      (error: unknown) => reject(error instanceof Error ? error : new Error(String(error))),
    );
  });
  // the whole group: the service is a child of the process that ends it
  const signal = (name: NodeJS.Signals): void => void process.kill(-child.pid, name);
  return { port, exited: child.exited, freeze: () => { signal('SIGSTOP'); }, thaw: () => { signal('SIGCONT'); }, stop: () => child.stop() };
}
