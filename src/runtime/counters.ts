import type { Direction, Hop } from '../cases/index.ts';
import type { Decision } from './decision.ts';
import { HopCounts } from './hop-counts.ts';
import type { SessionMode } from './session.ts';

/** Plain integers that the hot path adds to; read when metrics are asked for (CONTRACT section 11). */
export class RuntimeCounters {
  readonly sessions: Record<SessionMode, number> = { capture: 0, replay: 0, generate: 0 };
  /** Decisions: `hit` answered here, `miss` forwarded, `error` could not be decided. */
  readonly inject = { hit: 0, miss: 0, error: 0 };
  readonly uncorrelated: Record<Direction, number> = { inbound: 0, outbound: 0 };
  readonly hops = new HopCounts();
  extractedSpans = 0;
  extractedBytes = 0;
  strictMisses = 0;

  /** A decision that asks for the body first is not counted: it comes again. */
  countDecision(hop: Hop, decision: Decision): void {
    if (decision.kind === 'need-body') return;
    this.hops.count(hop, decision);
    if (decision.kind === 'forward') this.inject.miss++;
    else {
      this.inject.hit++;
      if (decision.outcome === 'strict-miss') this.strictMisses++;
    }
  }
}
