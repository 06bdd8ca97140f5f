import { sessionsElsewhere } from "../authentik/sessionPlace";
import { closeForwardAuth } from "../authentik/releases";
import { defaultsOf } from "../settings/readFields";
import { stackRows } from "../settings/table";
import { openAmong } from "./advice";
import { exitCodes } from "./errors";
import { type Io, emphasised, type Urgency } from "./io";
import type { PodsOptions } from "./options";
import { asJson, table } from "./output";
import { barePods } from "./pods/solution";
import { askingPods } from "./progress";
import { findEverywhere, noOutposts } from "./pods/everywhere";
import { nameOf, podsOf, type OutpostPod, type Outposts } from "./pods/outpostPods";
import { podFacts, type PodFacts } from "./pods/podFacts";
import { sessionPlaceIn } from "./pods/inside";
import type { Target } from "./target";
import { counted, formatAge, formatBytes, secondsSince } from "./units";

export interface StatusOptions extends PodsOptions {
  watch?: boolean;
  /** Seconds between two looks of `watch`. */
  interval: number;
}

/** Prints the state of /dev/shm in every outpost pod, once or until Ctrl-C. @returns the exit status */
export async function status(target: Target, options: StatusOptions, io: Io): Promise<number> {
  const look = () => lookOnce(target, options, io);
  if (options.watch) await repeatedly(look, options.interval, io, options.output === "json");
  else io.out(await look());
  return exitCodes.ok;
}

const clearScreen = "\x1b[H\x1b[2J\x1b[3J";

/**
 * Prints the result of `look` again and again, until Ctrl-C. On a terminal each replaces the last, unless it is `forPrograms`.
 * A look that fails, say because the API server is away, is printed (on stderr for programs) and tried again. The first must
 * succeed.
 */
async function repeatedly(look: () => Promise<string>, seconds: number, io: Io, forPrograms: boolean): Promise<void> {
  const signal = io.interruption();
  const inPlace = io.isTerminal && !forPrograms;
  let text = await look();
  for (;;) {
    io.out(inPlace ? `${clearScreen}Every ${seconds} s, ${io.now().toISOString()}; Ctrl-C ends.\n\n${text}` : text);
    await io.pause(seconds * 1000, signal);
    if (signal.aborted) return;
    text = await look().catch((error: Error) => {
      const line = `error: ${error.message}\n`;
      if (!forPrograms) return line;
      io.err(line);
      return "";
    });
    if (signal.aborted) return;
  }
}

async function lookOnce(target: Target, { names, output, timeout }: StatusOptions, io: Io): Promise<string> {
  const found = await findEverywhere(target, names);
  const pods = found.flatMap(({ pods }) => pods);
  const deployments = found.flatMap(({ deployments }) => deployments);
  const known = await askingPods(target.cluster, io, timeout, (cluster) => podFacts(cluster, pods, io.now()));
  const missed = found.flatMap((outposts) =>
    outposts.deployments.flatMap((deployment) => barePods(deployment, outposts)),
  );
  const facts = known.map((each, index) => {
    const bare = missed.includes(pods[index]) ? [missedByAdmission] : [];
    return { ...each, notes: [...each.notes, ...elsewhere(pods[index]), ...bare] };
  });
  const { namespace, inNamespace } = target;
  const everywhere = inNamespace !== undefined;
  const open = openAmong(pods);
  const unmet = found.flatMap((outposts) => unmetWishes(outposts, everywhere));
  if (output === "json") {
    const warnings = [...(open === undefined ? [] : [`${open}. ${closeForwardAuth}`]), ...unmet];
    const some = warnings.length > 0 && { warnings };
    return asJson({ ...(!everywhere && { namespace }), ...some, pods: facts.map(withPercent) });
  }
  if (facts.length > 0) {
    const first = open === undefined ? "" : `${emphasised(io, "critical", open)}.\n${closeForwardAuth}\n\n`;
    return `${first}${statusTable(facts, unmet, { wide: output === "wide", everywhere }, io)}`;
  }
  return `${await noOutposts(target, deployments)}\n`;
}

/** Names the Deployments that want pods and have none, of which no line of the table tells. */
const unmetWishes = (outposts: Outposts, everywhere: boolean): string[] =>
  outposts.deployments.flatMap((deployment) => {
    const { replicas = 1 } = deployment.spec ?? {};
    if (replicas === 0 || podsOf(deployment, outposts).length > 0) return [];
    const name = `${everywhere ? `${deployment.metadata?.namespace}/` : ""}${nameOf(deployment)}`;
    return [`Deployment ${name} wants ${counted(replicas, "pod")} and has none; outpost-shm doctor says why`];
  });

const missedByAdmission = "its admission policy has not given it the sidecar; outpost-shm doctor has the remedy";

/** Notes that the pod's sessions are not in /dev/shm, by its spec: its numbers are not theirs. */
function elsewhere({ pod, container }: OutpostPod): string[] {
  const found = sessionsElsewhere(container, sessionPlaceIn(pod, container));
  return found ? [found.seen] : [];
}

const withPercent = (facts: PodFacts) => ({ ...facts, usedPercent: usedPercent(facts) });

interface Column {
  title: string;
  /** Undefined if not known, printed as `-`. */
  text: (facts: PodFacts, io: Io) => string | undefined;
  onlyWide?: boolean;
  onlyEverywhere?: boolean;
}

const age = (seconds: number | undefined): string | undefined =>
  seconds === undefined ? undefined : formatAge(seconds);
const bytes = (count: number | undefined): string | undefined => (count === undefined ? undefined : formatBytes(count));
const number = (count: number | undefined): string | undefined => count?.toString();

const columns: Column[] = [
  { title: "NAMESPACE", text: ({ namespace }) => namespace, onlyEverywhere: true },
  { title: "POD", text: ({ pod }) => pod },
  { title: "OUTPOST", text: ({ outpost }) => outpost, onlyWide: true },
  { title: "NODE", text: ({ node }) => node, onlyWide: true },
  { title: "READY", text: ({ ready }) => (ready ? "yes" : "no"), onlyWide: true },
  { title: "SOLUTION", text: ({ solution }) => solution },
  { title: "SIZE", text: ({ sizeBytes }) => bytes(sizeBytes) },
  { title: "USED", text: ({ usedBytes }) => bytes(usedBytes) },
  { title: "USE%", text: percent },
  { title: "INODES", text: ({ inodesUsed }) => number(inodesUsed) },
  { title: "VISITORS", text: ({ sessions }) => number(sessions?.anonymous) },
  { title: "LOGINS", text: ({ sessions }) => number(sessions?.authenticated) },
  { title: "DEBRIS", text: ({ sessions }) => number(sessions?.debris) },
  { title: "OLDEST", text: ({ oldestSeconds }) => age(oldestSeconds) },
  {
    title: "LAST SWEEP",
    text: ({ lastSweepAt }, io) => age(lastSweepAt && secondsSince(lastSweepAt, io.now())),
  },
  { title: "ERRORS", text: ({ sweepErrors }) => number(sweepErrors), onlyWide: true },
  { title: "SOURCE", text: ({ source }) => source },
];

type Shown = Record<"wide" | "everywhere", boolean>;

/** Formats one line per pod, followed by the reasons why numbers come from a lesser source, or from none, and by `unmet`. */
function statusTable(facts: PodFacts[], unmet: string[], { wide, everywhere }: Shown, io: Io): string {
  const shown = columns.filter(
    ({ onlyWide, onlyEverywhere }) => (wide || !onlyWide) && (everywhere || !onlyEverywhere),
  );
  const rows = facts.map((pod) => shown.map(({ text }) => text(pod, io) ?? "-"));
  const ofPods = facts.flatMap(({ pod, notes }) => notes.map((note) => `${pod}: ${note}`));
  const notes = [...ofPods, ...unmet].map((note) => `${note}\n`);
  const drawn = table(
    shown.map(({ title }) => title),
    rows,
  );
  return notes.length > 0 ? `${drawn}\n${notes.join("")}` : drawn;
}

function percent({ usedBytes, sizeBytes }: PodFacts, io: Io): string | undefined {
  const used = usedPercent({ usedBytes, sizeBytes });
  return used === undefined ? undefined : emphasised(io, urgencyOf(used), `${used}%`);
}

/** Returns the whole percent of bytes in use, rounded down as the cleaner does; undefined if it is not known. */
export function usedPercent({ usedBytes, sizeBytes }: Pick<PodFacts, "usedBytes" | "sizeBytes">): number | undefined {
  return usedBytes === undefined || !sizeBytes ? undefined : Math.floor((usedBytes * 100) / sizeBytes);
}

const { usageCritical, usageWarning } = defaultsOf(stackRows);

/** Uses the default thresholds of the alerts. The percent is rounded down, so that from the threshold on usage may be above it. */
function urgencyOf(percent: number): Urgency | undefined {
  return percent >= usageCritical ? "critical" : percent >= usageWarning ? "warning" : undefined;
}
