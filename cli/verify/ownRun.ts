import { randomBytes } from "node:crypto";
import { cronJobName } from "../../cleaner/names";
import { unfinishedRollout } from "../../kubernetes/rollout";
import type { Expectation } from "../../settings/expectation";
import { hasCronJob } from "../../settings/settings";
import { nameOf, type Outposts } from "../pods/outpostPods";
import type { Target } from "../target";

/** The run of the CronJob that `--run` asks for. */
export interface OwnRun {
  /** Name of its Job, once it is started. */
  name?: string;
  /** Reason why it is not started yet. */
  waitsFor?: string;
}

/**
 * Starts one run, as soon as none of its outposts is being rolled out. A pod that is still starting can't be swept, and would
 * fail it.
 * @returns a function to call in every round of checks. It returns undefined if there is no CronJob to run
 */
export function ownRunOf({ cluster, namespace }: Target) {
  let name: string | undefined;
  return async (expected: Expectation, { deployments }: Outposts): Promise<OwnRun | undefined> => {
    if (name) return { name };
    const swept = expected.outposts.filter(hasCronJob).map(({ deployment }) => deployment);
    if (swept.length === 0) return undefined;
    for (const deployment of deployments) {
      const unfinished = swept.includes(nameOf(deployment)) && unfinishedRollout(deployment);
      if (unfinished) return { waitsFor: `Deployment ${nameOf(deployment)}: ${unfinished}` };
    }
    const cronJob = await cluster.cronJob(namespace, cronJobName);
    if (!cronJob) return undefined;
    const job = `${cronJobName}-verify-${randomBytes(3).toString("hex")}`;
    await cluster.startJob(cronJob, job);
    return { name: (name = job) };
  };
}
