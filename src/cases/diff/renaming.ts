import { formsOf, replaceTokens } from './identifier.ts';

/**
 * Which identifier of the left capture is which of the right one. One left value is always the same right value, and
 * the other way round: the first place that tells decides, and where another one disagrees that is a real difference.
 */
export class Renaming {
  readonly #toRight = new Map<string, string>();
  readonly #toLeft = new Map<string, string>();

  /** How many identifiers are known; it only grows. */
  get size(): number {
    return this.#toRight.size;
  }

  /** Takes note of a pair, unless one of the two belongs to another already. */
  learn(left: string, right: string): void {
    if (this.#toRight.has(left) || this.#toLeft.has(right)) return;
    this.#toRight.set(left, right);
    this.#toLeft.set(right, left);
  }

  /** A text of the left capture as the right one would have it. Takes time linear in the text. */
  readonly read = (text: string): string => {
    if (this.size === 0) return text;
    return replaceTokens(text, (token) => this.#known(token));
  };

  #known(token: string): string {
    const whole = this.#toRight.get(token);
    if (whole !== undefined) return whole;
    const known = formsOf(token).find((form) => this.#toRight.has(form));
    if (known === undefined) return token;
    if (token.endsWith(known)) return token.slice(0, -known.length) + (this.#toRight.get(known) ?? known);
    return token.replace(/[A-Za-z0-9]+/g, (part) => this.#toRight.get(part) ?? part);
  }
}
