import type { Cores } from './cores.ts';
import { Softprobe } from './softprobe.ts';
import { startUpstream, type Upstream } from './upstream.ts';

interface Stoppable {
  stop(): Promise<void>;
}

/** Everything that runs while the benchmark does, and its end. */
export class Stage implements AsyncDisposable {
  readonly cores: Cores;
  readonly upstream: Upstream;
  readonly #kept: Stoppable[] = [];
  readonly #softprobes = new Map<string, Promise<Softprobe>>();

  private constructor(cores: Cores, upstream: Upstream) {
    this.cores = cores;
    this.upstream = this.keep(upstream);
  }

  static async open(cores: Cores): Promise<Stage> {
    return new Stage(cores, await startUpstream(cores.upstream));
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
      softprobe = Softprobe.start(this.upstream.url, this.cores.proxy).then((started) => this.keep(started));
      this.#softprobes.set(role, softprobe);
    }
    return softprobe;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#kept.reverse().map((kept) => kept.stop()));
  }
}
