// Calls an origin by fetch, and prints what it answered: node calls-by-fetch.js URL
const calls = [['/next'], ['/next'], ['/echo', { method: 'POST', body: 'hello' }]];
for (const [path, init] of calls) {
  const response = await fetch(process.argv[2] + path, init);
  console.log(response.status, await response.text());
}
