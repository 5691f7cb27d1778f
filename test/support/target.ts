/** Starts Node programs under the inspector for tests, and makes sure they end. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { TestNode } from './nodes.ts';
import { until } from './until.ts';

export interface TestTarget {
  readonly child: ChildProcess;
  /** The inspector's ws:// address. */
  readonly url: string;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

const running = new Set<ChildProcess>();

/** The end of a program that goes on, and says that it has come so far. */
export const IDLE = "setInterval(() => {}, 1000); console.log('idle')";

/** @param code what `node -e` gets; where it prints `idle`, the program is waited for until it does */
export async function startTarget(node: TestNode, code: string, flags: readonly string[] = []): Promise<TestTarget> {
  const child = spawn(node.path, ['--inspect=127.0.0.1:0', ...flags, '-e', code], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = adopt(child);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString();
      const found = /ws:\/\/\S+/.exec(stderr);
      if (found) resolve(found[0]);
    });
    child.once('error', reject);
    exited
      .then((how) => {
        reject(new Error(`ended early: ${JSON.stringify(how)}\n${stderr}`));
      })
      .catch(reject);
  });
  if (code.includes("console.log('idle')")) await until(() => stdout.includes('idle'));
  return { child, url, stdout: () => stdout, stderr: () => stderr, exited };
}

/** A Node program without an inspector, which prints `idle` once it runs. */
export async function startPlain(node: TestNode, args: readonly string[], cwd?: string): Promise<Omit<TestTarget, 'url'>> {
  const child = spawn(node.path, [...args], { stdio: ['ignore', 'pipe', 'pipe'], ...(cwd !== undefined && { cwd }) });
  const exited = adopt(child);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  await until(() => stdout.includes('idle') || child.exitCode !== null);
  if (child.exitCode !== null) throw new Error(`ended early:\n${stderr}`);
  return { child, stdout: () => stdout, stderr: () => stderr, exited };
}

/** Makes sure that a process ends with its test; resolves when it has ended and its output has been read. */
export function adopt(child: ChildProcess): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
  running.add(child);
  return new Promise((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    });
  });
}

/** For `afterEach`. */
export async function stopTargets(): Promise<void> {
  const ends = [...running].map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of running) {
    child.kill('SIGCONT');
    child.kill('SIGKILL');
  }
  await Promise.all(ends);
}
