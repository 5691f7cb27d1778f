/** Looks into a target from outside, as a debugger does: what a test knows of it without asking us. */
import { connect } from '../../src/cdp/connection.ts';
import type { Connection } from '../../src/cdp/connection.ts';

export interface EvaluateOptions {
  /** What a console has, `require` for instance. */
  readonly includeCommandLineAPI?: boolean;
  readonly awaitPromise?: boolean;
}

/**
 * The value of an expression, as JSON has it; undefined where it has none.
 * @throws {Error} with what the expression threw: a program that has not come so far yet does not know its own functions
 */
export async function evaluateOver(connection: Connection, expression: string, options: EvaluateOptions = {}): Promise<unknown> {
  const { result, exceptionDetails } = await connection.send('Runtime.evaluate', { expression, returnByValue: true, ...options });
  if (exceptionDetails !== undefined) throw new Error(`${expression} failed: ${JSON.stringify(exceptionDetails)}`);
  return (result as { value?: unknown }).value;
}

/** The same over a connection of its own. */
export async function evaluate(url: string, expression: string, options?: EvaluateOptions): Promise<unknown> {
  const connection = await connect(url);
  try {
    return await evaluateOver(connection, expression, options);
  } finally {
    await connection.close();
  }
}

/**
 * An expression that has this done in a job of the program's. V8 evaluates in the middle of whatever runs: in a hook of ours, too, and what is
 * made there is not counted, but said to be missing.
 */
export function inJob(statements: string): string {
  return `void setImmediate(() => { ${statements} })`;
}
