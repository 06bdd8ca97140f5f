import type { Io } from "./io";
import { asJson, type OutputFormat } from "./output";
import { noOutposts } from "./pods/noOutposts";
import { findOutposts } from "./pods/outpostPods";
import { podFacts, type PodFacts } from "./pods/podFacts";
import { statusTable, usedPercent } from "./status/statusTable";
import type { Target } from "./target";
import { repeatedly } from "./watch";

export interface StatusOptions {
  /** Pods or outposts. Empty means all. */
  names: string[];
  output?: OutputFormat;
  watch?: boolean;
  /** Seconds between two looks of `watch`. */
  interval: number;
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

async function lookOnce({ cluster, namespace }: Target, { names, output }: StatusOptions, io: Io): Promise<string> {
  const { pods, deployments } = await findOutposts(cluster, namespace, names);
  const facts = await podFacts(cluster, pods, io.now());
  if (output === "json") return asJson({ namespace, pods: facts.map(withPercent) });
  if (facts.length > 0) return statusTable(facts, output === "wide", io);
  return `${await noOutposts({ cluster, namespace }, deployments)}\n`;
}

const withPercent = (facts: PodFacts) => ({ ...facts, usedPercent: usedPercent(facts) });
