import type { Duplex } from 'node:stream';

/**
 * Watches a client that waits for the answer to its upgrade: if it ends before, it is gone, as with other requests.
 * What it sends meanwhile stays in its stream, within the limit of that; only the end is looked for.
 */
export function watchForEarlyEnd(client: Duplex): void {
  client.on('readable', lookForEnd);
  client.on('end', onEarlyEnd);
}

/** From here on the client's bytes, and its end, are for someone else. */
export function stopWatching(client: Duplex): void {
  client.off('readable', lookForEnd);
  client.off('end', onEarlyEnd);
}

function lookForEnd(this: Duplex): void {
  // There is nothing to be read: this only makes the stream say whether it has ended.
  if (this.readableLength === 0) this.read();
}

function onEarlyEnd(this: Duplex): void {
  this.destroy();
}
