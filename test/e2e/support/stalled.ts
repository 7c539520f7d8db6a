/** Waits until a count has not moved while the program answered many requests on another listener. */
export async function stalled(count: () => number, url: string): Promise<void> {
  for (let unchanged = 0, last = -1; unchanged < 40; unchanged += 1) {
    if (count() !== last) unchanged = 0;
    last = count();
    await (await fetch(`${url}/ready`)).arrayBuffer();
  }
}
