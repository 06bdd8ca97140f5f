import { sessionsElsewhere } from "../authentik/sessionPlace";
import { closeForwardAuth } from "../authentik/versions";
import { defaultsOf } from "../settings/readFields";
import { stackRows } from "../settings/table";
import { type Io, emphasised, type Urgency } from "./io";
import { asJson, type OutputFormat, table } from "./output";
import { barePods } from "./pods/solution";
import { askingPods } from "./pods/askingPods";
import { findEverywhere } from "./pods/everywhere";
import { noOutposts } from "./pods/noOutposts";
import { openAmong } from "./pods/openForwardAuth";
import type { OutpostPod } from "./pods/outpostPods";
import { podFacts, type PodFacts } from "./pods/podFacts";
import { sessionPlaceIn } from "./pods/sessionPlace";
import type { Target } from "./target";
import { formatAge, formatBytes } from "./units";
import { repeatedly } from "./watch";

export interface StatusOptions {
  /** Pods or outposts. Empty means all. */
  names: string[];
  output?: OutputFormat;
  watch?: boolean;
  /** Seconds between two looks of `watch`. */
  interval: number;
  /** Seconds to ask the pods in each look. */
  timeout: number;
}

/** Prints the state of /dev/shm in every outpost pod, once or until Ctrl-C. @returns the exit status */
export async function status(target: Target, options: StatusOptions, io: Io): Promise<number> {
  const look = () => lookOnce(target, options, io);
  if (!options.watch) {
    io.out(await look());
    return 0;
  }
  await repeatedly(look, options.interval, io, options.output === "json");
  return 0;
}

async function lookOnce(target: Target, { names, output, timeout }: StatusOptions, io: Io): Promise<string> {
  const found = await findEverywhere(target, names);
  const pods = found.flatMap(({ pods }) => pods);
  const deployments = found.flatMap(({ deployments }) => deployments);
  const known = await askingPods(target.cluster, io, timeout, (cluster) => podFacts(cluster, pods, io.now()));
  const missed = found.flatMap((outposts) => {
    const bare = outposts.deployments.flatMap((deployment) => barePods(deployment, outposts));
    return outposts.pods.filter(({ name }) => bare.includes(name));
  });
  const facts = known.map((each, index) => {
    const bare = missed.includes(pods[index]) ? [missedByAdmission] : [];
    return { ...each, notes: [...each.notes, ...elsewhere(pods[index]), ...bare] };
  });
  const { namespace, inNamespace } = target;
  const open = openAmong(pods);
  if (output === "json") {
    const warnings = open === undefined ? {} : { warnings: [`${open}. ${closeForwardAuth}`] };
    return asJson({ ...(!inNamespace && { namespace }), ...warnings, pods: facts.map(withPercent) });
  }
  if (facts.length > 0) {
    const first = open === undefined ? "" : `${emphasised(io, "critical", open)}.\n${closeForwardAuth}\n\n`;
    return `${first}${statusTable(facts, { wide: output === "wide", everywhere: inNamespace !== undefined }, io)}`;
  }
  return `${await noOutposts(target, deployments)}\n`;
}

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
    text: ({ lastSweepAt }, io) => age(lastSweepAt && (io.now().getTime() - lastSweepAt.getTime()) / 1000),
  },
  { title: "ERRORS", text: ({ sweepErrors }) => number(sweepErrors), onlyWide: true },
  { title: "SOURCE", text: ({ source }) => source },
];

/** Formats one line per pod, followed by the reasons why numbers come from a lesser source, or from none. */
function statusTable(facts: PodFacts[], { wide, everywhere }: Record<"wide" | "everywhere", boolean>, io: Io): string {
  const shown = columns.filter(
    ({ onlyWide, onlyEverywhere }) => (wide || !onlyWide) && (everywhere || !onlyEverywhere),
  );
  const rows = facts.map((pod) => shown.map(({ text }) => text(pod, io) ?? "-"));
  const notes = facts.flatMap(({ pod, notes }) => notes.map((note) => `${pod}: ${note}\n`));
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
