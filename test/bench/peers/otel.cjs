// OpenTelemetry as it is set up by hand for HTTP: every request is a span, and its context follows the asynchronous work.
const { AsyncHooksContextManager, AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { BatchSpanProcessor, NodeTracerProvider } = require('@opentelemetry/sdk-trace-node');

const contextManager = process.env.BENCH_CONTEXT === 'hooks' ? new AsyncHooksContextManager() : new AsyncLocalStorageContextManager();
const exporter = { export: (spans, done) => done({ code: 0 }), shutdown: async () => {} };
const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
provider.register({ contextManager: contextManager.enable() });
const instrumentation = new HttpInstrumentation();
instrumentation.setTracerProvider(provider);
instrumentation.enable();
