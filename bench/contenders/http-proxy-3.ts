/** http-proxy-3, the maintained heir of node-http-proxy, as its manual says to run it: with a keep-alive agent. */
import { Agent, createServer } from 'node:http';
import { createProxyServer } from 'http-proxy-3';
import { listen, upstreamUrl } from './listen.ts';

const proxy = createProxyServer({ target: upstreamUrl(), agent: new Agent({ keepAlive: true }) });
proxy.on('error', (_error, _request, response) => {
  response.destroy();
});

listen(createServer((request, response) => proxy.web(request, response)));
