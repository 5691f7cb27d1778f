/** How the agent is called in the target, and what its answers are read with. */
import * as v from 'valibot';
import { evaluateUnseen } from '../evaluate';
import type { Connection } from '../connection';
import { TargetError } from '../target';

/** Debuggers skip scripts of this name by default, and our own filters know it. */
const SOURCE_URL = 'node:internal/asyncscope/agent';
/** The end of each function that is called in the target. */
export const NAMED = `\n//# sourceURL=${SOURCE_URL}\n`;
/** The realm of the main script: V8 numbers contexts from 1. Others (`vm`) must not get our globals. */
export const MAIN_CONTEXT = 1;
export const INSTALL_TIMEOUT_MS = 15_000;
/** Between two calls of a target that was not ready for the first. */
export const RETRY_MS = 20;

const remoteObject = v.object({ objectId: v.optional(v.string()), value: v.optional(v.unknown()) });
const evaluated = v.object({
  result: remoteObject,
  exceptionDetails: v.optional(v.object({ exception: v.optional(v.object({ description: v.optional(v.string()) })) })),
});

/** A value of the target's: what it is, or by what name it is held there. */
export type CallResult = v.InferOutput<typeof remoteObject>;

/** Calls a function of the target's main realm with strings. */
export async function callGlobally(connection: Connection, functionDeclaration: string, values: readonly string[]): Promise<void> {
  resultOf(
    await connection.send('Runtime.callFunctionOn', {
      functionDeclaration,
      executionContextId: MAIN_CONTEXT,
      arguments: values.map((value) => ({ value })),
      silent: true,
      returnByValue: true,
    }),
  );
}

/**
 * What an expression comes to in the target's main realm, by its value.
 * @throws {TargetError} also where it throws: `agent failed`
 */
export async function evaluateValue(connection: Connection, expression: string, timeoutMs?: number): Promise<unknown> {
  return resultOf(await evaluateUnseen(connection, { expression: expression + NAMED, returnByValue: true }, timeoutMs)).value;
}

/**
 * The object that an expression comes to in the target's main realm.
 * @param objectGroup that the target is to hold it in
 * @returns its id; undefined where it is no object
 * @throws {TargetError} also where it throws: `agent failed`
 */
export async function evaluateObject(connection: Connection, expression: string, objectGroup: string): Promise<string | undefined> {
  return resultOf(await evaluateUnseen(connection, { expression: expression + NAMED, objectGroup, returnByValue: false }, INSTALL_TIMEOUT_MS)).objectId;
}

/**
 * The value that an evaluation or a call came to.
 * @throws {TargetError} `agent failed` where it threw, or the answer has another form
 */
export function resultOf(response: Record<string, unknown>): CallResult {
  const answer = v.safeParse(evaluated, response);
  if (!answer.success) throw new TargetError('agent failed', 'The inspector answered in an unknown form.');
  const failure = answer.output.exceptionDetails;
  if (failure !== undefined) {
    const detail = (failure.exception?.description ?? 'unknown error').split('\n', 1)[0] ?? '';
    throw new TargetError('agent failed', `The agent failed in the target: ${detail}`);
  }
  return answer.output.result;
}

export function toArgument(value: CallResult | undefined): object {
  return value?.objectId === undefined ? { value: value?.value } : { objectId: value.objectId };
}
