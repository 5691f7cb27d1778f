// async_hooks with every event and nothing done in any: less than this no tool on top of it can cost.
require('node:async_hooks').createHook({ init() {}, before() {}, after() {}, destroy() {}, promiseResolve() {} }).enable();
