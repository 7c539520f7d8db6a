// Calls an origin by node:http or node:https, and prints what it answered: node calls-by-http.js URL
const url = process.argv[2];
const { request } = await import(url.startsWith('https:') ? 'node:https' : 'node:http');

const calls = [
  ['/next', 'GET', ''],
  ['/next', 'GET', ''],
  ['/echo', 'POST', 'hello'],
];
for (const [path, method, body] of calls) {
  const response = await new Promise((resolve, reject) => {
    request(url + path, { method }, resolve)
      .on('error', reject)
      .end(body);
  });
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  console.log(response.statusCode, text);
}
