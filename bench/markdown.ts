import type { DayCurve } from "./day";
import { loginCount, type Trial } from "./held";
import type { IdleHour, PeakMemory } from "./idle";
import type { Machine } from "./machine";
import { sessionBytes } from "./place";
import type { SweepCost } from "./sweepCost";

export interface Results {
  machine: Machine;
  /** True if the container's limits could be set, which requires control groups and root. */
  limited: boolean;
  trialSeconds: number;
  held: { hourly: Trial; authentik: Trial; ours: Trial[]; oursLimited: Trial[] };
  /** Seconds from full to the next visit that could be saved. */
  recovery: { hourly: number; authentik: number; ours: number[]; oursLimited: number[] };
  sweep: SweepCost[];
  idle: IdleHour[];
  memory: PeakMemory[];
  day: DayCurve[];
}

const goals = { rate: 1000, recoverySeconds: 10, timesFind: 1.5, idlePercent: 2, memoryBytes: 16 << 20 };
const notMeasured = "not measured: needs root and cgroup v1";

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
const verdict = (met: boolean): string => (met ? "met" : "**missed**");
const number = (value: number, digits = 0): string =>
  value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const duration = (seconds: number): string =>
  seconds < 120 ? `${number(seconds, 1)} s` : `${number(seconds / 60)} min`;
const held = (trials: readonly Trial[]): Trial | undefined =>
  trials.filter((t) => t.failed === 0 && t.loginsLost === 0).at(-1);

function heldSection({ held: all, trialSeconds, limited }: Results): string {
  const row = (name: string, trial: Trial | undefined, goal: string): string[] => [
    name,
    trial ? `${number(trial.rate, trial.rate < 20 ? 2 : 0)}/s` : "none of those tried",
    trial ? `${trial.loginsLost} of ${loginCount}` : "",
    trial?.shortestVisitSeconds === undefined ? "" : `${number(trial.shortestVisitSeconds)} s`,
    trial?.peakPercent === undefined ? "" : `${trial.peakPercent} %`,
    goal,
  ];
  const tried = (trials: readonly Trial[]): string => trials.map(({ rate }) => number(rate)).join(", ");
  const ours = held(all.ours);
  const oursLimited = held(all.oursLimited);
  const rows = [
    row("hourly find, 60 minutes", all.hourly, ""),
    row("every 5 minutes, 24 h (authentik's own)", all.authentik, ""),
    row("ours", ours, verdict((ours?.rate ?? 0) >= goals.rate)),
    limited
      ? row("ours, within the container's 50m and 32Mi", oursLimited, verdict((oursLimited?.rate ?? 0) >= goals.rate))
      : ["ours, within the container's 50m and 32Mi", notMeasured, "", "", "", ""],
  ];
  const why =
    limited && (oursLimited?.rate ?? 0) < goals.rate
      ? "\nWithin 50m the limit is CPU: it stretches a sweep twentyfold, and a fifth of the directory is the room there is meanwhile. Twice the CPU limit holds about twice the rate.\n"
      : "";
  return `## New visits per second held for an hour

256 MiB with ${number(loginCount)} logins in it. Held: no failed write, and no login younger than 24 h lost. Goal: ${number(goals.rate)}/s.

${table(["policy", "held", "logins lost", "a visit lives at least", "peak usage", "goal"], rows)}
${why}
The two finds run in virtual time: each file has the mtime, and each find the moment, of an hour that follows a steady state at
that rate; only the waiting is left out. The rate is searched for to about a percent. Ours runs in real time, for ${trialSeconds} s at
each rate (tried: ${tried(all.ours)}${limited ? `; limited: ${tried(all.oursLimited)}` : ""}), from the state that a sweep under pressure leaves. An hour is that cycle again
and again: no visit gets as old as anonymousMaxAge. A login's own visit needs to live until its user has typed a password; the table says how long the shortest-lived one had.`;
}

function recoverySection({ recovery, limited }: Results): string {
  const worst = Math.max(...recovery.ours);
  const worstLimited = Math.max(...recovery.oursLimited);
  const rows = [
    ["hourly find, 60 minutes", duration(recovery.hourly), ""],
    ["every 5 minutes, 24 h (authentik's own)", duration(recovery.authentik), ""],
    ["ours", duration(worst), verdict(worst <= goals.recoverySeconds)],
    limited
      ? [
          "ours, within the container's 50m and 32Mi",
          duration(worstLimited),
          verdict(worstLimited <= goals.recoverySeconds),
        ]
      : ["ours, within the container's 50m and 32Mi", notMeasured, ""],
  ];
  return `## From full to writable again

A flood fills 256 MiB as fast as this machine can write; the time until the next visit is saved. Goal: ${goals.recoverySeconds} s.

${table(["policy", "worst case", "goal"], rows)}

The finds in virtual time, from a flood that comes right after a find, so that its files have their whole age before them. Ours in
real time, the slowest of ${recovery.ours.length}; up to three seconds of it are the wait for the next look at the usage.${
    limited && worstLimited > goals.recoverySeconds
      ? " Within 50m the rest is CPU: the directory has to be listed once before anything can be called old, and 50m stretches that twentyfold."
      : ""
  }`;
}

function sweepSection({ sweep }: Results): string {
  const rows = sweep.map(({ mix, what, cpuSeconds, timesFind }) => {
    const ours = what.startsWith("ours");
    return [
      mix,
      what,
      `${number(cpuSeconds, 2)} s`,
      number(timesFind, 2),
      ours ? verdict(timesFind <= goals.timesFind) : "",
    ];
  });
  const missed = sweep.some(({ what, timesFind }) => what.startsWith("ours") && timesFind > goals.timesFind);
  const why = missed
    ? `
Why it is missed: a find only asks for ages. Ours opens and reads every file that neither age nor size decides, and tests its age
a second time right before removal, so that a session saved meanwhile survives. Those are system calls and text for each
file; the bare loop shows that a find itself is near what removal costs.
`
    : "";
  return `## CPU of one sweep over 65,536 files, half of which must go

User and system seconds, the best of the runs. "Times find" is against the plain find of the same tools. Goal: ${goals.timesFind}.

${table(["files", "what", "CPU", "times find", "goal"], rows)}
${why}`;
}

function idleSection({ idle, memory }: Results): string {
  const rows = idle.map(({ files, sweepsPerHour, cpuSecondsPerSweep, cpuSecondsPerHourOfLoop, shareOfLimit }) => [
    `${number(files)} files`,
    `${number(sweepsPerHour, 1)} × ${number(cpuSecondsPerSweep, 3)} s`,
    cpuSecondsPerHourOfLoop === undefined ? notMeasured : `${number(cpuSecondsPerHourOfLoop, 2)} s`,
    shareOfLimit === undefined ? notMeasured : `${number(shareOfLimit, 2)} %`,
    shareOfLimit === undefined ? "" : verdict(shareOfLimit <= goals.idlePercent),
  ]);
  const peaks = memory.map(({ files, what, bytes }) => [
    `${number(files)} files, ${what}`,
    bytes === undefined ? notMeasured : `${number(bytes / 2 ** 20, 1)} MiB`,
    bytes === undefined ? "" : verdict(bytes <= goals.memoryBytes),
  ]);
  const missed = idle.some(({ shareOfLimit }) => shareOfLimit !== undefined && shareOfLimit > goals.idlePercent);
  const whyIdle = missed
    ? `
Why it is missed: a sweep of few files is the start of its forty tools, and of each login old enough to go, were it a visit, a
read. A sweepInterval of 2m halves that part; usage is looked at every three seconds whatever it is.
`
    : "";
  return `## An idle hour

Nothing is due: half of the files are logins of some hours, half visits of some minutes. Share of the 50m limit. Goal: ${goals.idlePercent} %.

${table(["", "sweeps", "the loop between them", "share of 50m", "goal"], rows)}

Put together from its parts: the CPU of one sweep times the sweeps the loop starts in an hour, and the CPU of the loop over some
seconds without a sweep, scaled up to an hour. After a sweep that removed nothing, the loop waits longer the more files it had to look at.
${whyIdle}
Peak memory of the sidecar with its sweep, of 32Mi. Goal: half.

${table(["", "peak", "goal"], peaks)}`;
}

/** Renders docs/benchmarks.md. */
export function markdown(results: Results): string {
  const { machine } = results;
  return `# Benchmarks

Written by \`npm run bench\`; do not edit. Sessions are in the format of a Go outpost: ${number(sessionBytes.visit)} bytes a visit,
${number(sessionBytes.login)} bytes a login, a page each. Ours has its default settings and runs on ${machine.shells.at(-1)}.

| machine | |
| --- | --- |
| date | ${machine.date} |
| CPU | ${machine.cpu} |
| memory | ${machine.memoryGiB} GiB |
| kernel | ${machine.kernel} |
| load at the end (1, 5, 15 min) | ${machine.load} |
| Node | ${machine.node} |
| shells | ${machine.shells.join("; ")} |

${heldSection(results)}

${recoverySection(results)}

${sweepSection(results)}
${idleSection(results)}

## A day

![Usage over a simulated day](usage-over-a-day.svg)

Simulated on a sixteenth of everything (16 MiB, visits and logins divided by 16) in virtual time, looked at every ten simulated
seconds. Half a visit a second all day, and a crawler with 25 a second from 9:00 to 15:00.

${table(
  ["policy", "visits refused", "logins lost that were younger than 24 h"],
  results.day.map(({ policy, failed, visits, loginsLost }) => [
    policy,
    `${number((failed * 100) / visits, 1)} %`,
    `${loginsLost} of ${Math.round(loginCount / 16)}`,
  ]),
)}
`;
}
