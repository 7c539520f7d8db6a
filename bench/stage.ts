import type { Cores } from './cores.ts';
import { Mockttp } from './mockttp.ts';
import { Softprobe } from './softprobe.ts';
import { startUpstream, type Upstream } from './upstream.ts';

interface Stoppable {
  stop(): Promise<void>;
}

/** Everything that runs while the benchmark does, and its end. */
export class Stage implements AsyncDisposable {
  readonly cores: Cores;
  readonly upstream: Upstream;
  /** Takes a line of progress. */
  readonly tell: (line: string) => void;
  readonly #kept: Stoppable[] = [];
  readonly #softprobes = new Map<string, Promise<Softprobe>>();
  #mockttp: Promise<Mockttp> | undefined;

  private constructor(cores: Cores, upstream: Upstream, tell: (line: string) => void) {
    this.cores = cores;
    this.upstream = this.keep(upstream);
    this.tell = tell;
  }

  static async open(cores: Cores, tell: (line: string) => void): Promise<Stage> {
    return new Stage(cores, await startUpstream(cores.upstream), tell);
  }

  /** Remembers what must be stopped at the end. */
  keep<Kept extends Stoppable>(kept: Kept): Kept {
    this.#kept.push(kept);
    return kept;
  }

  /** The proxy process that has a role; started when first asked for. */
  softprobe(role: string): Promise<Softprobe> {
    let softprobe = this.#softprobes.get(role);
    if (softprobe === undefined) {
      softprobe = Softprobe.start(this.upstream, this.cores.proxy).then((started) => this.keep(started));
      this.#softprobes.set(role, softprobe);
    }
    return softprobe;
  }

  /** Mockttp, one process for all its rows; installed and started when first asked for. */
  mockttp(): Promise<Mockttp> {
    this.#mockttp ??= Mockttp.start(this.upstream, this.cores.proxy, this.tell).then((started) =>
      this.keep(started),
    );
    return this.#mockttp;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#kept.reverse().map((kept) => kept.stop()));
  }
}
