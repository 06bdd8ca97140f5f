import type { V1ConfigMap, V1CronJob, V1Deployment } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { sweepDefault } from "../../cleaner/constants";
import { settingsConfigMap, settingsFile, cronJobName } from "../../cleaner/names";
import type { Cluster } from "../../kubernetes/cluster";
import { solutionBy, type Expectation, type ExpectedOutpost } from "../../settings/expectation";
import type { Solution } from "../../settings/settings";
import { isAdmitted } from "../pods/solution";
import { carriesSidecar, outpostContainerIn } from "../pods/containers";
import { sweptDeployments } from "../pods/cronJob";
import { nameOf, outpostOf, type Outposts } from "../pods/outpostPods";

/** Expectations stated on the command line. */
export interface Stated {
  shmSize?: string;
  solution?: Exclude<Solution, "none">;
}

/** Makes the expectation without a stack, from the Deployments and the CronJob themselves. Anything stated overrides it. */
export async function expectationInForce(
  cluster: Cluster,
  namespace: string,
  outposts: Outposts,
  stated: Stated,
): Promise<Expectation> {
  const cronJob = await cluster.cronJob(namespace, cronJobName);
  const expected = await Promise.all(
    outposts.deployments.map(async (deployment) => {
      const settings = await cluster.configMap(namespace, settingsConfigMap(nameOf(deployment)));
      const admission = isAdmitted(deployment, outposts);
      return { ...outpostInForce(deployment, cronJob, settings, admission, stated), ...(admission && { admission }) };
    }),
  );
  return { namespace, outposts: expected };
}

function outpostInForce(
  deployment: V1Deployment,
  cronJob: V1CronJob | undefined,
  settings: V1ConfigMap | undefined,
  admission: boolean,
  { shmSize, solution }: Stated,
): ExpectedOutpost {
  const interval = /^SWEEP_INTERVAL_SECONDS=(\d+)$/m.exec(settings?.data?.[settingsFile] ?? "")?.[1];
  return {
    name: outpostOf(deployment),
    deployment: nameOf(deployment),
    container: outpostContainerIn(deployment),
    solution: solution ?? solutionOf(deployment, cronJob, admission),
    ...(shmSize !== undefined && { shmSize }),
    sweepIntervalSeconds: interval === undefined ? sweepDefault("SWEEP_INTERVAL_SECONDS") : Number(interval),
  };
}

function solutionOf(deployment: V1Deployment, cronJob: V1CronJob | undefined, admission: boolean): Solution {
  const swept = cronJob !== undefined && sweptDeployments(cronJob).includes(nameOf(deployment));
  return solutionBy({ sidecar: admission || carriesSidecar(deployment), cronJob: swept });
}
