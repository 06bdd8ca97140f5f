import type { Io } from "./io";
import { asJson, type OutputFormat } from "./output";
import { findOutposts, outpostSelector } from "./pods/outpostPods";
import { podFacts, type PodFacts } from "./pods/podFacts";
import { statusTable, usedPercent } from "./status/statusTable";
import type { Target } from "./target";
import { repeatedly } from "./watch";

export interface StatusOptions {
  /** Pods or outposts; none: all. */
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
  await repeatedly(look, options.interval, io);
  return 0;
}

async function lookOnce({ cluster, namespace }: Target, { names, output }: StatusOptions, io: Io): Promise<string> {
  const { pods, deployments } = await findOutposts(cluster, namespace, names);
  const facts = await podFacts(cluster, pods, io.now());
  if (output === "json") return asJson({ namespace, pods: facts.map(withPercent) });
  if (facts.length > 0) return statusTable(facts, output === "wide", io);
  const without = deployments.map(({ metadata, spec }) => `${metadata?.name} (${spec?.replicas ?? 1} replicas wanted)`);
  if (without.length > 0)
    return `No pods of proxy outposts in namespace ${namespace}; Deployments without any: ${without.join(", ")}.\n`;
  const elsewhere = await namespacesWithOutposts({ cluster, namespace });
  const hint =
    elsewhere.length > 0
      ? `They are in ${elsewhere.join(", ")}: name one with --namespace`
      : "Name theirs with --namespace";
  return `No proxy outposts in namespace ${namespace} (pods with the label ${outpostSelector}). ${hint}.\n`;
}

/** Only a hint, so an account that may not look beyond its namespace gets none. */
async function namespacesWithOutposts({ cluster }: Target): Promise<string[]> {
  const pods = await cluster.pods(undefined, outpostSelector).catch(() => []);
  return [...new Set(pods.map(({ metadata }) => metadata?.namespace ?? ""))].sort();
}

const withPercent = (facts: PodFacts) => ({ ...facts, usedPercent: usedPercent(facts) });
