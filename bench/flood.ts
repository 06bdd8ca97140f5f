// Saves visits at a steady rate, in a process of its own: `flood DIR FIRST RATE SECONDS [LENGTH]`, with addresses of so many
// characters. Sends a FloodReport when done.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { goName, goSession } from "../sandbox/sessionFormats";

export interface FloodReport {
  written: number;
  failed: number;
  /** Seconds it took. More than requested means that this machine could not write fast enough. */
  seconds: number;
}

async function flood(dir: string, [first = 0, rate = 0, seconds = 0, length = 60]: number[]): Promise<FloodReport> {
  const visit = goSession({ holds: ["redirect"], url: "https://app.example.com/".padEnd(length, "p") });
  const started = performance.now();
  const report: FloodReport = { written: 0, failed: 0, seconds: 0 };
  for (let n = 0; n < rate * seconds;) {
    const due = Math.min(rate * seconds, ((performance.now() - started) / 1000) * rate);
    for (; n < due; n++) {
      try {
        writeFileSync(join(dir, goName(first + n)), visit, { mode: 0o600 });
        report.written++;
      } catch {
        report.failed++;
      }
    }
    await delay(5);
  }
  report.seconds = (performance.now() - started) / 1000;
  return report;
}

const [dir = "", ...numbers] = process.argv.slice(2);
void flood(dir, numbers.map(Number)).then((report) => process.send?.(report));
