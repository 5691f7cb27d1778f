/** By verdict; as one tree from the outermost functions; or by what they wait for. */
export type DumpGrouping = 'verdict' | 'chain' | 'leaf';
export const DUMP_GROUPINGS: readonly DumpGrouping[] = ['verdict', 'chain', 'leaf'];
