import type { V1CronJob } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { eitherWay } from "../advice";
import { isOwnCronJob } from "../pods/solution";
import { sweptDeployments } from "../pods/sweptDeployments";
import { nameOf } from "../pods/outpostPods";
import type { Cause, Found } from "./finding";
import type { Snapshot } from "./snapshot";

/** A name found in older guides. authentik's own is authentik-outpost-proxy. */
const wrongSelector = "authentik-proxy-outpost";

/** Finds a namespace without outposts. */
export function noOutposts({ outposts, namespace, elsewhere, authentik, outpostShm }: Snapshot): Found | undefined {
  if (outposts.deployments.length + outposts.pods.length > 0) return undefined;
  const [other] = elsewhere;
  const embedded =
    authentik.pods.length > 0
      ? "authentik itself is here: its embedded outpost has no Deployment and needs none of this, since it keeps its sessions in PostgreSQL (before 2025.10 in Redis). If there are other outposts, name their namespace"
      : "Name the namespace of the outposts";
  return {
    subject: `Namespace/${namespace}`,
    seen: `no Deployment of a proxy outpost${elsewhere.length > 0 ? `; some are in ${elsewhere.join(", ")}` : ""}`,
    why: "There is nothing here to look after.",
    todo: other ? `Look there: ${outpostShm("doctor", other)}` : `${embedded}: ${outpostShm("doctor", "NAMESPACE")}`,
  };
}

/** Finds outposts of the stack whose Deployments are not here. One without a solution may have yet to be deployed. */
export function missingOutposts({ outposts, expectation, namespace }: Snapshot): Found[] {
  const names = outposts.deployments.map(nameOf);
  const lost = (expectation?.outposts ?? []).filter(
    ({ deployment, solution }) => solution !== "none" && !names.includes(deployment),
  );
  return lost.map(({ name, deployment }) => ({
    subject: `Deployment/${deployment}`,
    seen: `outpost "${name}" of the stack has no such Deployment in namespace ${namespace}; there are: ${names.join(", ") || "none"}`,
    why: "Nothing can be deployed to it.",
    todo: "Correct the name in `outposts` to that in authentik, or see why authentik has not deployed it: it takes a Kubernetes integration (Applications › Outposts › Edit).",
  }));
}

/** Finds outposts of our CronJob whose Deployments are not here. */
export function sweptInVain(cronJob: V1CronJob, { outposts }: Snapshot): Cause[] {
  if (!isOwnCronJob(cronJob)) return [];
  const names = outposts.deployments.map(nameOf);
  const lost = sweptDeployments(cronJob).filter((deployment) => !names.includes(deployment));
  return lost.map((deployment) => ({
    seen: `it sweeps Deployment ${deployment}, which is not here`,
    why: "Each of its runs fails for that outpost.",
    todo: `Correct the name in \`outposts\` to that in authentik, and deploy again ${eitherWay()}.`,
  }));
}

/** Finds CronJobs of older guides. Who makes outposts by hand may have given their pods that label, and then it is right. */
export function wronglySelecting(cronJob: V1CronJob, { outposts, kubectl }: Snapshot): Cause | undefined {
  const labels = outposts.deployments.flatMap(({ spec }) => Object.values(spec?.template.metadata?.labels ?? {}));
  const selects = JSON.stringify(cronJob.spec ?? {}).includes(`=${wrongSelector}`);
  if (isOwnCronJob(cronJob) || !selects || labels.includes(wrongSelector)) return undefined;
  return {
    seen: `it selects pods by ${wrongSelector}`,
    why: "No pod has that label: authentik calls them authentik-outpost-proxy. It has never cleaned anything.",
    todo: `${kubectl} delete cronjob ${cronJob.metadata?.name}, and deploy \`solution: cronjob\` of this program.`,
  };
}
