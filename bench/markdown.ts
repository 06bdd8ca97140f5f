// Renders docs/benchmarks.md from the results.
import { sidecarCpuLimit } from "../cleaner/names";
import type { AddressTrial } from "./addresses";
import type { AdmissionCost } from "./admissionCost";
import type { DayCurve } from "./day";
import { loginCount, type Trial } from "./heldVisits";
import type { IdleHour, PeakMemory } from "./idle";
import type { Machine } from "./machine";
import { sessionBytes } from "./place";
import type { PreviewCost } from "./previewCost";
import type { StatusCost } from "./statusCost";
import type { SweepCost } from "./sweepCost";

export interface Results {
  machine: Machine;
  trialSeconds: number;
  held: { hourly: Trial; authentik: Trial; ours: Trial[]; oursLimited: Trial[] };
  /** Seconds from full to the next visit that could be saved. */
  recovery: { hourly: number; authentik: number; ours: number[]; oursLimited: number[] };
  sweep: SweepCost[];
  idle: IdleHour[];
  memory: PeakMemory[];
  day: DayCurve[];
  /** Floods of visits with long addresses. */
  addresses: AddressTrial[];
  preview: PreviewCost;
  status: StatusCost;
  admission: AdmissionCost;
}

const goals = { rate: 1000, recoverySeconds: 10, refusedShare: 0.01, memoryBytes: 16 << 20, previewRatio: 1.25 };
/** CPU seconds of an idle hour, by the number of files. */
const idleGoals: Record<number, number> = { 1000: 2, 50_000: 9 };
const policies = {
  hourly: "hourly find, 60 minutes",
  authentik: "every 5 minutes, 24 h (authentik's own)",
  ours: "ours",
  oursLimited: `ours, within the container's ${sidecarCpuLimit} and 32Mi`,
};

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
const verdict = (met: boolean): string => (met ? "met" : "**missed**");
const number = (value: number, digits = 0): string =>
  value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const duration = (seconds: number): string =>
  seconds < 120 ? `${number(seconds, 1)} s` : `${number(seconds / 60)} min`;

function heldSection({ held, trialSeconds }: Results): string {
  const row = (name: string, trial: Trial | undefined, goal: string): string[] => [
    name,
    trial ? `${number(trial.rate, trial.rate < 20 ? 2 : 0)}/s` : "none of those tried",
    trial ? `${trial.loginsLost} of ${loginCount}` : "",
    trial?.shortestVisitSeconds === undefined ? "" : `${number(trial.shortestVisitSeconds)} s`,
    trial?.peakPercent === undefined ? "" : `${trial.peakPercent} %`,
    goal,
  ];
  const ourRow = (name: string, trials: readonly Trial[]): string[] => {
    const best = trials.filter(({ failed, loginsLost }) => failed === 0 && loginsLost === 0).at(-1);
    return row(name, best, verdict((best?.rate ?? 0) >= goals.rate));
  };
  const tried = (trials: readonly Trial[]): string => trials.map(({ rate }) => number(rate)).join(", ");
  const rows = [
    row(policies.hourly, held.hourly, ""),
    row(policies.authentik, held.authentik, ""),
    ourRow(policies.ours, held.ours),
    ourRow(policies.oursLimited, held.oursLimited),
  ];
  return `## New visits per second held for an hour

256 MiB with ${number(loginCount)} logins in it. Held: no failed write, and no login younger than 24 h lost. Goal: ${number(goals.rate)}/s.

${table(["policy", "held", "logins lost", "a visit lives at least", "peak usage", "goal"], rows)}

The finds run in virtual time, from a steady state at that rate.
Ours runs in real time, for ${trialSeconds} s at each rate (tried: ${tried(held.ours)}; limited: ${tried(held.oursLimited)}), from the state that a sweep under pressure leaves; an hour is that cycle again and again.
A login's own visit needs to live until its user has typed a password.`;
}

function recoverySection({ recovery }: Results): string {
  const ourRow = (name: string, seconds: number[]): string[] => {
    const worst = Math.max(...seconds);
    return [name, duration(worst), verdict(worst <= goals.recoverySeconds)];
  };
  const rows = [
    [policies.hourly, duration(recovery.hourly), ""],
    [policies.authentik, duration(recovery.authentik), ""],
    ourRow(policies.ours, recovery.ours),
    ourRow(policies.oursLimited, recovery.oursLimited),
  ];
  return `## From full to writable again

A flood fills 256 MiB as fast as this machine can write; the time until the next visit is saved. Goal: ${goals.recoverySeconds} s.

${table(["policy", "worst case", "goal"], rows)}

The finds in virtual time, from a flood that comes right after a find; ours in real time, the slowest of ${recovery.ours.length}.`;
}

function sweepSection({ sweep }: Results): string {
  const rows = sweep.map(({ mix, what, cpuSeconds, timesFind, goal }) => {
    const verdictOf = what.startsWith("ours") ? `${number(goal, 1)}: ${verdict(timesFind <= goal)}` : "";
    return [mix, what, `${number(cpuSeconds, 2)} s`, number(timesFind, 2), verdictOf];
  });
  const missed = sweep.some(({ what, timesFind, goal }) => what.startsWith("ours") && timesFind > goal);
  const why = missed
    ? `
Why it is missed: a find only asks for ages and forgets each file at once.
Ours judges all facts of each file, reads the beginning of those that neither age nor size decides, and looks again right before removal, so that a session saved meanwhile survives.
The CPU limit of ${sidecarCpuLimit} pays for that.
`
    : "";
  return `## CPU of one sweep over 65,536 files, half of which must go

User and system seconds, the best of the runs. "Times find" is against the plain find of the same tools.

${table(["files", "what", "CPU", "times find", "goal"], rows)}
${why}`;
}

function idleSection({ idle, memory }: Results): string {
  const rows = idle.map(({ files, sweepsPerHour, cpuSecondsPerSweep, cpuSecondsPerHourOfLoop, cpuSeconds }) => [
    `${number(files)} files`,
    `${number(sweepsPerHour, 1)} × ${number(cpuSecondsPerSweep, 3)} s`,
    `${number(cpuSecondsPerHourOfLoop, 2)} s`,
    `${number(cpuSeconds, 1)} s`,
    `${idleGoals[files]} s: ${verdict(cpuSeconds <= idleGoals[files])}`,
  ]);
  const peaks = memory.map(({ files, what, bytes }) => [
    `${number(files)} files, ${what}`,
    `${number(bytes / 2 ** 20, 1)} MiB`,
    verdict(bytes <= goals.memoryBytes),
  ]);
  return `## An idle hour

Nothing is due: half of the files are logins of some hours, half visits of some minutes.

${table(["", "sweeps", "the loop between them", "CPU in all", "goal"], rows)}

Put together from the CPU of one sweep, times the sweeps that the loop starts in an hour, and the CPU of the loop without a sweep.

Peak memory of the sidecar with its sweep, of 32Mi. Goal: half.

${table(["", "peak", "goal"], peaks)}`;
}

function addressSection({ addresses }: Results): string {
  const rows = addresses.map(({ bytes, rate, seconds, visits, refused, loginsLost }) => [
    `${number(bytes)} bytes`,
    `${number(rate)}/s for ${number(seconds)} s`,
    `${refused} of ${visits} (${number((refused * 100) / visits, 1)} %)`,
    `${loginsLost} of ${loginCount}`,
    verdict(refused <= goals.refusedShare * visits && loginsLost === 0),
  ]);
  return `## A visitor with long addresses

An address of 8 KB with bytes above 0x7f makes a session file of 44 KB, one of 1 MB a file of 5.6 MB.
256 MiB, within ${sidecarCpuLimit} and 32Mi, beside 20 honest visits a second.
Goal: at most one percent of the honest visits refused, and no login lost.

${table(["a file", "flood", "honest visits refused", "logins lost", "goal"], rows)}`;
}

function previewSection({ preview: { outposts, ours, plain, nothing } }: Results): string {
  return `## A preview of ${outposts} outposts

\`pulumi preview\` of a stack that is up, the fastest of five, in turns: this program, a plain one with the same resources but without scripts and checks, and one without any resource.
Each refreshes first. Goal: ${number(goals.previewRatio, 2)} times the plain one.

${table(
  ["program", "seconds", "times plain", "goal"],
  [
    ["ours", number(ours, 1), number(ours / plain, 2), verdict(ours <= goals.previewRatio * plain)],
    ["plain", number(plain, 1), "1.00", ""],
    ["nothing", number(nothing, 1), number(nothing / plain, 2), ""],
  ],
)}${ours > goals.previewRatio * plain ? "\n\nA quarter of what is more in ours is the preflight, which has the API server try each Deployment's change before anything is registered.\nThe rest is the engine's and the provider's work on resources that are larger and wait for each other." : ""}`;
}

function statusSection({ status: { pods, ours, kubectl, answered } }: Results): string {
  return `## The status of ${pods} pods

\`outpost-shm status\` against \`kubectl get pods\` of the same pods, the fastest of three, in turns, on one API server.
kubectl makes one request; \`status\` makes that and one more for each pod's numbers, and had those of ${answered}.

${table(
  ["command", "seconds", "times kubectl"],
  [
    ["outpost-shm status", number(ours, 1), number(ours / kubectl, 1)],
    ["kubectl get pods", number(kubectl, 1), "1.0"],
  ],
)}`;
}

function admissionSection({ admission: { pods, without, admitted, neighbour } }: Results): string {
  const row = (pod: string, milliseconds: number): string[] => [
    pod,
    number(milliseconds, 2),
    number(milliseconds - without, 2),
  ];
  return `## The creation of a pod by \`delivery: admission\`

The API server's answer to the creation of one pod, in dry runs, in turns: the median of ${pods}, in milliseconds.

${table(
  ["pod", "ms", "more than without the policy"],
  [
    row("an outpost's, in a namespace without the policy", without),
    row("an outpost's, which gets the sidecar", admitted),
    row("another in the namespace of the policy", neighbour),
  ],
)}`;
}

export function markdown(results: Results): string {
  const { machine } = results;
  return `# Benchmarks

Written by \`npm run bench\`; do not edit.
Sessions are in the format of a Go outpost: ${number(sessionBytes.visit)} bytes a visit, ${number(sessionBytes.login)} bytes a login, a page each.
Ours has its default settings and runs on ${machine.shells.at(-1)}.

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

${addressSection(results)}

${sweepSection(results)}
${idleSection(results)}

${previewSection(results)}

${statusSection(results)}

${admissionSection(results)}

## A day

![Usage over a simulated day](usage-over-a-day.svg)

Simulated on a sixteenth of everything (16 MiB, visits and logins divided by 16) in virtual time.
Half a visit a second all day, and a crawler with 25 a second from 9:00 to 15:00.

${table(
  ["policy", "visits refused", "logins lost that were younger than 24 h", "removed below 80 % and younger than 24 h"],
  results.day.map(({ policy, failed, visits, loginsLost, removedInCalm }) => [
    policy,
    `${number((failed * 100) / visits, 1)} %`,
    `${loginsLost} of ${Math.round(loginCount / 16)}`,
    number(removedInCalm),
  ]),
)}
`;
}
