// Calls an origin by the undici package, and prints what it answered: node calls-by-undici.js URL
import { EnvHttpProxyAgent, request, setGlobalDispatcher } from 'undici';

// Without it undici's own functions read no HTTP_PROXY.
setGlobalDispatcher(new EnvHttpProxyAgent());
const calls = [['/next'], ['/next'], ['/echo', { method: 'POST', body: 'hello' }]];
for (const [path, options] of calls) {
  const { statusCode, body } = await request(process.argv[2] + path, options);
  console.log(statusCode, await body.text());
}
