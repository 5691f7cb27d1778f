/** What the tests inside the extension host leave behind for their runner: console output can be lost, a file is not. */

export interface HostResults {
  readonly passed: number;
  readonly failed: number;
  readonly pending: readonly string[];
  readonly failures: readonly { readonly title: string; readonly message: string }[];
}

/** What the suite tells people begins with this, among all that a workbench logs. */
export const PROGRESS_MARK = '[test]';

/** Names the file that {@link HostResults} are written to. */
export const RESULTS_VARIABLE = 'ASYNCSCOPE_TEST_RESULTS';

/** Names the folder with the supported Nodes. */
export const NODES_VARIABLE = 'ASYNCSCOPE_TEST_NODES';

/** A pattern: only the tests whose full titles match it are run. */
export const ONLY_VARIABLE = 'ASYNCSCOPE_HOST_TESTS';
