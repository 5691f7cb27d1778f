/** What is built, and how. */
import type { BuildOptions, Plugin } from 'esbuild';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DIST, ROOT, SAMPLE } from './paths.ts';

export interface Bundle {
  readonly name: string;
  readonly options: BuildOptions;
}

/**
 * The DevTools protocol description that comes with chrome-remote-interface is half a megabyte, and is only needed by
 * those who call `client.Domain.method()`. We call methods by name, so an empty description does.
 */
const emptyProtocol: Plugin = {
  name: 'empty-protocol',
  setup(build) {
    build.onLoad({ filter: /chrome-remote-interface[\\/]lib[\\/]protocol\.json$/ }, () => ({
      contents: '{"domains":[]}',
      loader: 'json',
    }));
  },
};

/** The bundles of the product and the sample service. */
export async function allBundles(production: boolean): Promise<readonly Bundle[]> {
  const node: BuildOptions = {
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    minify: production,
    sourcemap: 'linked',
    logLevel: 'warning',
    absWorkingDir: ROOT,
    mainFields: ['module', 'main'],
    plugins: [emptyProtocol],
  };
  return [
    { name: 'extension', options: { ...node, entryPoints: [entry('src/extension.ts')], outfile: join(DIST, 'extension.js'), external: ['vscode'] } },
    { name: 'server', options: { ...node, entryPoints: [entry('src/server/main.ts')], outfile: join(DIST, 'server.js') } },
    {
      name: 'heapWorker',
      // A thread of the server and of the terminal.
      options: { ...node, entryPoints: [entry('src/server/heapWorker/main.ts')], outfile: join(DIST, 'heapWorker.js') },
    },
    {
      name: 'cli',
      options: { ...node, entryPoints: [entry('src/cli/main.ts')], outfile: join(DIST, 'cli.js'), banner: { js: '#!/usr/bin/env node' } },
    },
    {
      name: 'agent',
      options: {
        ...node,
        entryPoints: [entry('src/agent/main.ts')],
        outfile: join(DIST, 'agent.js'),
        // Evaluated inside the target. Identifiers stay as they are, so that function names in stacks can be read;
        // esbuild's `keepNames` would add a call to every function made in a hook. No source map: a debugger that is
        // attached too would look for it.
        platform: 'neutral',
        format: 'iife',
        globalName: 'asyncscopeAgent',
        target: 'node18',
        minify: false,
        minifyWhitespace: production,
        minifySyntax: production,
        sourcemap: false,
      },
    },
    {
      name: 'preload',
      // Required by Node ahead of a program that the terminal starts.
      options: {
        ...node,
        entryPoints: [entry('src/agent/preload.ts')],
        outfile: join(DIST, 'preload.js'),
        target: 'node18',
        minify: false,
        sourcemap: false,
      },
    },
    {
      name: 'graph',
      // The page of the await graph, with its style sheet beside it.
      options: {
        entryPoints: [entry('webview/graph/main.ts'), entry('webview/graph/graph.css')],
        outdir: join(DIST, 'webview'),
        entryNames: 'graph',
        bundle: true,
        platform: 'browser',
        format: 'iife',
        target: 'chrome128',
        minify: production,
        sourcemap: false,
        logLevel: 'warning',
        absWorkingDir: ROOT,
      },
    },
    {
      name: 'sample',
      // File by file, with source maps beside them: what a service looks like that tsc has compiled.
      options: {
        entryPoints: await sampleSources(),
        outdir: join(SAMPLE, 'dist'),
        outbase: join(SAMPLE, 'src'),
        platform: 'node',
        format: 'esm',
        target: 'node20',
        sourcemap: 'linked',
        logLevel: 'warning',
        absWorkingDir: ROOT,
      },
    },
  ];
}

function entry(path: string): string {
  return join(ROOT, path);
}

async function sampleSources(): Promise<string[]> {
  const source = join(SAMPLE, 'src');
  const names = await readdir(source, { recursive: true });
  return names.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts')).map((name) => join(source, name));
}
