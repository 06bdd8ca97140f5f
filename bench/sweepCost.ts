import { shells } from "../sandbox/cleaner/shells";
import { type Place, unixTime } from "./place";
import { cpuSeconds, podShell, sweepCommand } from "./processes";

const filesPerSweep = 65_536;

/** A kind of file to remove. A sweep recognises it by size, by age alone, or by reading each file. */
interface Mix {
  name: string;
  ageSeconds: number;
  long?: boolean;
  /** Highest cost that is aimed at, as a multiple of the plain find. */
  goal: number;
}

const mixes: readonly Mix[] = [
  { name: "visits of two hours", ageSeconds: 7200, goal: 1.5 },
  { name: "visits of two days", ageSeconds: 2 * 86_400, goal: 1.5 },
  { name: "addresses of 400 characters: each has to be read", ageSeconds: 7200, long: true, goal: 3 },
];

export interface SweepCost {
  mix: string;
  what: string;
  cpuSeconds: number;
  /** Cost as a multiple of the plain find with the same tools. */
  timesFind: number;
  goal: number;
}

interface Contender {
  what: string;
  /** Name of the plain find that it is compared with. */
  find: string;
  command: (place: Place, mix: Mix) => { command: string[]; path?: string };
}

function plainFind(name: string, find: readonly string[], rm: readonly string[]): Contender {
  const what = `plain find -exec rm, ${name}`;
  return {
    what,
    find: what,
    command: (_, { ageSeconds }) => {
      const tests = ["-maxdepth", "1", "-type", "f", "-name", "session_*", "!", "-mmin", `-${(ageSeconds - 600) / 60}`];
      return { command: [...find, ".", ...tests, "-exec", ...rm, "-f", "{}", "+"] };
    },
  };
}

function contenders(): Contender[] {
  const gnu = plainFind("this machine's tools", ["find"], ["rm"]);
  const busybox = podShell.command[0] ?? "";
  const finds = shells.length > 1 ? [gnu, plainFind(podShell.name, [busybox, "find"], [busybox, "rm"])] : [gnu];
  const ours = shells.flatMap((shell, index): Contender[] =>
    [false, true].map((metrics) => ({
      what: `ours, ${shell.name}, ${metrics ? "with metrics" : "without metrics"}`,
      find: finds[index]?.what ?? "",
      command: (place) => ({
        command: sweepCommand(shell, [
          `SHM_DIR=${place.dir}`,
          "ANONYMOUS_MAX_AGE_SECONDS=3600",
          "HIGH_WATERMARK_PERCENT=100", // the rates above include the cost of a sweep under pressure
          ...(metrics ? [`METRICS_DIR=${place.metrics}`] : []),
        ]),
        path: shell.path,
      }),
    })),
  );
  return [...finds, ...ours];
}

function once(place: Place, mix: Mix, contender: Contender): number {
  place.clear();
  const now = unixTime();
  for (let n = 0; n < filesPerSweep; n++) {
    const savedAt = now - (n % 2 ? mix.ageSeconds : 60);
    if (mix.long) place.longVisit(n, savedAt);
    else place.visit(n, savedAt);
  }
  const { command, path } = contender.command(place, mix);
  const cost = cpuSeconds(command, { cwd: place.dir, path });
  const left = Array.from({ length: filesPerSweep }, (_, n) => place.hasVisit(n)).filter(Boolean).length;
  if (left !== filesPerSweep / 2) throw new Error(`${contender.what} left ${left} files of ${filesPerSweep}`);
  return cost;
}

/** Measures the CPU seconds of one pass over 65,536 files of which half must go: the best of some runs per contender. */
export function sweepCosts(place: Place, runs: number): SweepCost[] {
  return mixes.flatMap((mix) => {
    const costs = contenders().map((contender) => {
      const best = Math.min(...Array.from({ length: runs }, () => once(place, mix, contender)));
      return { contender, best };
    });
    return costs.map(({ contender, best }) => {
      const find = costs.find(({ contender: { what } }) => what === contender.find)?.best ?? NaN;
      return { mix: mix.name, what: contender.what, cpuSeconds: best, timesFind: best / find, goal: mix.goal };
    });
  });
}
