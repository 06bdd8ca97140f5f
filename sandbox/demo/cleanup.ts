const numbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 };

/** What is to be undone at the end, last first, however the end comes. */
export class Cleanup {
  readonly #steps: (() => void | Promise<void>)[] = [];
  #running: Promise<void> | undefined;

  /** From now on a signal first runs the steps, then ends this process as that signal would. */
  constructor(private readonly done: () => void) {
    for (const [signal, number] of Object.entries(numbers)) {
      process.on(signal, () => void this.run().finally(() => process.exit(128 + number)));
    }
  }

  add(step: () => void | Promise<void>): void {
    this.#steps.push(step);
  }

  /** Runs every step, also after one that failed; a second call waits for the first. Throws the first error. */
  run(): Promise<void> {
    this.#running ??= this.#runSteps().then(this.done);
    return this.#running;
  }

  async #runSteps(): Promise<void> {
    const errors: unknown[] = [];
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
