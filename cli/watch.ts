import { setTimeout as pause } from "node:timers/promises";
import type { Io } from "./io";

const clearScreen = "\x1b[H\x1b[2J\x1b[3J";

/**
 * Prints what `look` says again and again, until Ctrl-C: on a terminal in place, elsewhere one after the other. A look that
 * fails, say because the API server is away, is printed and the next one made; the first must succeed.
 */
export async function repeatedly(look: () => Promise<string>, seconds: number, io: Io): Promise<void> {
  const signal = io.interruption();
  let text = await look();
  for (;;) {
    io.out(
      io.isTerminal ? `${clearScreen}Every ${seconds} s, ${io.now().toISOString()}; Ctrl-C ends.\n\n${text}` : text,
    );
    await pause(seconds * 1000, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    text = await look().catch((error: Error) => `error: ${error.message}\n`);
    if (signal.aborted) return;
  }
}
