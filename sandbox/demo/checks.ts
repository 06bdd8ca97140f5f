/** Checks of what the demo promises to show. Each prints whether it holds. */
export class Checks {
  #failed = 0;
  #held = 0;

  constructor(private readonly say: (line: string) => void) {}

  /** Prints the expectation and, if it does not hold, what was found. */
  expect(what: string, holds: boolean, found?: unknown): void {
    if (holds) this.#held += 1;
    else this.#failed += 1;
    const detail = holds || found === undefined ? "" : `\n    found: ${JSON.stringify(found)}`;
    this.say(`  ${holds ? "✔" : "✘"} ${what}${detail}`);
  }

  /** Returns the closing line. */
  summary(): string {
    if (this.#failed === 0) return `All ${this.#held} checks held.`;
    return `${this.#failed} of ${this.#held + this.#failed} checks did not hold (✘ above).`;
  }

  get passed(): boolean {
    return this.#failed === 0 && this.#held > 0;
  }
}
