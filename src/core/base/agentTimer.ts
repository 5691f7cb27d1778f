/**
 * Name of the functions that the timers of Asyncscope's own agent call. They are no work of the program's, neither to another agent in
 * the same process nor in a heap snapshot, where the functions of an evaluated script have nothing else to be known by.
 */
export const AGENT_TIMER = 'asyncscopeTimer';
