#!/usr/bin/env node
// Old syntax on purpose, a CommonJS file (see package.json beside it) and no import but the dynamic one, so that
// someone with an old Node.js reads one sentence and not a stack trace.
var needed = [22, 19];
var found = process.versions.node.split('.').map(Number);

function fail(message) {
  process.stderr.write(`softprobe-proxy: ${message}\n`);
  process.exitCode = 1;
}

if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  fail(`needs Node.js ${needed.join('.')} or newer, this is ${process.versions.node}`);
} else {
  import('../dist/cli/main.js').catch((error) => {
    var isUnbuilt = error.code === 'ERR_MODULE_NOT_FOUND' && /dist[\\/]cli[\\/]main\.js/.test(error.message);
    fail(isUnbuilt ? 'dist/ is missing: run `npm run build` first' : error.stack);
  });
}
