// A service with one dependency, as small as it gets: GET /hello asks the upstream for a greeting. It calls out
// through HTTP_PROXY and passes W3C Trace Context on, which OpenTelemetry does for real services.
import { createServer, request } from 'node:http';

const upstream = process.env.UPSTREAM_URL ?? 'http://127.0.0.1:8083';
const proxy = new URL(process.env.HTTP_PROXY || upstream);

/** GET by way of the proxy: the request line carries the absolute URL (RFC 9112 section 3.2.2). */
function get(url, headers) {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: proxy.hostname,
        port: proxy.port,
        path: url,
        headers: { host: new URL(url).host, ...headers },
      },
      async (answer) => {
        let text = '';
        for await (const chunk of answer.setEncoding('utf8')) text += chunk;
        resolve({ status: answer.statusCode, text });
      },
    );
    outgoing.on('error', reject).end();
  });
}

const server = createServer(async ({ url, headers }, response) => {
  if (url !== '/hello') {
    response.writeHead(404).end('only /hello\n');
    return;
  }
  const { traceparent, tracestate } = headers;
  const context = { ...(traceparent && { traceparent }), ...(tracestate && { tracestate }) };
  try {
    const { status, text } = await get(`${upstream}/greeting`, context);
    response.writeHead(status === 200 ? 200 : 502, { 'content-type': 'text/plain' });
    response.end(status === 200 ? `hello, ${JSON.parse(text).greeting}\n` : `the upstream said ${status}\n`);
  } catch (error) {
    response.writeHead(502, { 'content-type': 'text/plain' }).end(`no upstream: ${error.message}\n`);
  }
});
server.listen(Number(process.env.PORT ?? 8081), '127.0.0.1', () => {
  console.log(`the app listens on http://127.0.0.1:${server.address().port}`);
});
