import type { Attribution, Hop } from '../cases/index.ts';
import type { Forward, Respond } from './decision.ts';

/**
 * Plain integers about the hops that were decided. Fields and not a table by name, which costs the hot path
 * three times as much.
 */
export class HopCounts {
  #header = 0;
  #tracestate = 0;
  #baggage = 0;
  #traceId = 0;
  #proxyCredential = 0;
  #soleSession = 0;
  #inbound = 0;
  #outbound = 0;
  #forwardedOutbound = 0;

  get inbound(): number {
    return this.#inbound;
  }

  get outbound(): number {
    return this.#outbound;
  }

  /** Outbound hops, tunnels among them, that were let out. */
  get forwardedOutbound(): number {
    return this.#forwardedOutbound;
  }

  /** By what tied them to their session, the surest first; hops of other proxies may not say. */
  get byAttribution(): Record<Attribution, number> {
    return {
      header: this.#header,
      tracestate: this.#tracestate,
      baggage: this.#baggage,
      'trace-id': this.#traceId,
      'proxy-credential': this.#proxyCredential,
      'sole-session': this.#soleSession,
    };
  }

  /** Counts a hop once its decision stands; `need-body` is none yet. */
  count(hop: Hop, decision: Forward | Respond): void {
    if (hop.direction === 'inbound') {
      this.#inbound++;
    } else {
      this.#outbound++;
      if (decision.kind === 'forward') this.#forwardedOutbound++;
    }
    if (hop.attribution !== undefined) this.#countAttribution(hop.attribution);
  }

  #countAttribution(attribution: Attribution): void {
    switch (attribution) {
      case 'header':
        this.#header++;
        break;
      case 'tracestate':
        this.#tracestate++;
        break;
      case 'baggage':
        this.#baggage++;
        break;
      case 'trace-id':
        this.#traceId++;
        break;
      case 'proxy-credential':
        this.#proxyCredential++;
        break;
      case 'sole-session':
        this.#soleSession++;
        break;
    }
  }
}
