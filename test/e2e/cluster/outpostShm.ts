// Runs the command line in the test's own process, on the namespace of a scenario.
import type { Io } from "../../../cli/io";
import type { TargetMakers } from "../../../cli/target";
import { liveCluster } from "../../../kubernetes/liveCluster";
import { pause } from "../../../kubernetes/poll";
import { runOn } from "../../unit/cli/cluster";
import type { Scenario } from "./scenario";

export function outpostShm(
  { kubeconfig, namespace }: Pick<Scenario, "kubeconfig" | "namespace">,
  args: string[],
  options: Partial<Io> = {},
  makers: Partial<TargetMakers> = {},
) {
  const flags = ["--kubeconfig", kubeconfig, "-n", namespace];
  const cluster: TargetMakers["cluster"] = (config) => Promise.resolve(liveCluster(config));
  return runOn({}, [...args, ...flags], { now: () => new Date(), pause, ...options }, { cluster, ...makers });
}
