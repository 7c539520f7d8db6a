// The dependency of app.js: another greeting every time, so that a replay cannot be mistaken for a call.
import { createServer } from 'node:http';

let count = 0;
const server = createServer((_request, response) => {
  count += 1;
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ greeting: `visitor number ${count}` }));
});
server.listen(Number(process.env.PORT ?? 8083), '127.0.0.1', () => {
  console.log(`the upstream listens on http://127.0.0.1:${server.address().port}`);
});
