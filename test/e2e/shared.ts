// Resources that all test files of a mocha process share: the hooks join mocha's root suite, so each starts before the first test and stops
// after the last, whatever their files.

/** Long enough to install packages and build the toolchain first, on two slow cores. */
const START_TIMEOUT_MS = 20 * 60_000;
const STOP_TIMEOUT_MS = 60_000;

/** Returns a function that gives what is shared. Each test keeps to namespaces of its own. */
export function shared<T>(start: () => Promise<T>, stop: (started: T) => Promise<void>): () => Promise<T> {
  let starting: Promise<T> | undefined;
  const get = () => (starting ??= start());

  before("start the shared cluster", async function () {
    this.timeout(START_TIMEOUT_MS);
    await get();
  });

  after("stop the shared cluster", async function () {
    this.timeout(STOP_TIMEOUT_MS);
    const started = await starting?.catch(() => undefined);
    if (started) await stop(started);
  });
  return get;
}
