import { shells, type Shell } from "../sandbox/cleaner/shells";
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
  command: string[];
  path?: string;
}

function contenders(place: Place, { ageSeconds }: Mix): Contender[] {
  const tests = ["-maxdepth", "1", "-type", "f", "-name", "session_*", "!", "-mmin", `-${(ageSeconds - 600) / 60}`];
  const plainFind = (name: string, ...busybox: string[]): Contender => {
    const what = `plain find -exec rm, ${name}`;
    return {
      what,
      find: what,
      command: [...busybox, "find", ".", ...tests, "-exec", ...busybox, "rm", "-f", "{}", "+"],
    };
  };
  const finds = [plainFind("this machine's tools")];
  if (shells.length > 1) finds.push(plainFind(podShell.name, podShell.command[0]));
  const settings = [
    `SHM_DIR=${place.dir}`,
    "ANONYMOUS_MAX_AGE_SECONDS=3600",
    "HIGH_WATERMARK_PERCENT=100", // the rates above include the cost of a sweep under pressure
  ];
  const ours = (shell: Shell, find: Contender, ...metrics: string[]): Contender => ({
    what: `ours, ${shell.name}, ${metrics.length > 0 ? "with" : "without"} metrics`,
    find: find.what,
    command: sweepCommand(shell, [...settings, ...metrics]),
    path: shell.path,
  });
  const sweeps = shells.flatMap((shell, index) => [
    ours(shell, finds[index]),
    ours(shell, finds[index], `METRICS_DIR=${place.metrics}`),
  ]);
  return [...finds, ...sweeps];
}

function once(place: Place, mix: Mix, { what, command, path }: Contender): number {
  place.clear();
  const now = unixTime();
  for (let n = 0; n < filesPerSweep; n++) {
    const savedAt = now - (n % 2 ? mix.ageSeconds : 60);
    if (mix.long) place.longVisit(n, savedAt);
    else place.visit(n, savedAt);
  }
  const cost = cpuSeconds(command, { cwd: place.dir, path });
  const left = Array.from({ length: filesPerSweep }, (_, n) => place.hasVisit(n)).filter(Boolean).length;
  if (left !== filesPerSweep / 2) throw new Error(`${what} left ${left} files of ${filesPerSweep}`);
  return cost;
}

/** Measures the CPU seconds of one pass over 65,536 files of which half must go: the best of some runs per contender. */
export function sweepCosts(place: Place, runs: number): SweepCost[] {
  return mixes.flatMap((mix) => {
    const costs = contenders(place, mix).map((contender) => {
      const best = Math.min(...Array.from({ length: runs }, () => once(place, mix, contender)));
      return { contender, best };
    });
    return costs.map(({ contender, best }) => {
      const find = costs.find(({ contender: { what } }) => what === contender.find)?.best ?? NaN;
      return { mix: mix.name, what: contender.what, cpuSeconds: best, timesFind: best / find, goal: mix.goal };
    });
  });
}
