import { cronJobName } from "../../cleaner/names";
import { refusedPods } from "../../kubernetes/rollout";
import { selectorInShell } from "../../kubernetes/selector";
import { eitherWay } from "../advice";
import { sweptDeployments } from "../pods/solution";
import { nameOf, podsOf } from "../pods/outpostPods";
import type { Found } from "./finding";
import type { Snapshot } from "./snapshot";

/** A name found in older guides. authentik's own is authentik-outpost-proxy. */
const wrongSelector = "authentik-proxy-outpost";

/** Finds names, namespaces and labels that match nothing. */
export function selectorFindings(snapshot: Snapshot): Found[] {
  return [noOutposts(snapshot) ?? [], withoutPods(snapshot), missing(snapshot), ofCronJobs(snapshot)].flat();
}

function noOutposts({ outposts, namespace, elsewhere, authentik, outpostShm }: Snapshot): Found | undefined {
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

function withoutPods({ outposts, kubectl }: Snapshot): Found[] {
  const empty = outposts.deployments.filter(
    (deployment) =>
      (deployment.spec?.replicas ?? 1) > 0 &&
      podsOf(deployment, outposts).length === 0 &&
      // The check "rollout" gives the reason.
      refusedPods(deployment) === undefined,
  );
  return empty.map((deployment) => ({
    subject: `Deployment/${nameOf(deployment)}`,
    seen: `it wants ${deployment.spec?.replicas ?? 1} pods and has none`,
    why: "Nobody gets at the outpost's applications.",
    todo: `See why: ${kubectl} describe replicasets -l ${selectorInShell(deployment)} (a quota, an admission webhook, Pod Security).`,
  }));
}

function missing({ outposts, expectation, namespace }: Snapshot): Found[] {
  const names = outposts.deployments.map(nameOf);
  const lost = (expectation?.outposts ?? []).filter(({ deployment }) => !names.includes(deployment));
  return lost.map(({ name, deployment }) => ({
    subject: `Deployment/${deployment}`,
    seen: `outpost "${name}" of the stack has no such Deployment in namespace ${namespace}; there are: ${names.join(", ") || "none"}`,
    why: "Nothing can be deployed to it.",
    todo: "Correct the name in `outposts` to that in authentik, or see why authentik has not deployed it: it takes a Kubernetes integration (Applications › Outposts › Edit).",
  }));
}

function ofCronJobs({ cronJobs, outposts, kubectl }: Snapshot): Found[] {
  const isNamed = (deployment: string) => outposts.deployments.some((each) => nameOf(each) === deployment);
  const own = cronJobs.find(({ metadata }) => metadata?.name === cronJobName);
  const lost = sweptDeployments(own).filter((deployment) => !isNamed(deployment));
  const vain = cronJobs.filter((each) => each !== own && JSON.stringify(each.spec ?? {}).includes(wrongSelector));
  return [
    ...lost.map((deployment) => ({
      subject: `CronJob/${cronJobName}`,
      seen: `it sweeps Deployment ${deployment}, which is not here`,
      why: "Each of its runs fails for that outpost.",
      todo: `Correct the name in \`outposts\` to that in authentik, and deploy again ${eitherWay()}.`,
    })),
    ...vain.map(({ metadata }) => ({
      subject: `CronJob/${metadata?.name}`,
      seen: `it selects pods by ${wrongSelector}`,
      why: "No pod has that label: authentik calls them authentik-outpost-proxy. It has never cleaned anything.",
      todo: `${kubectl} delete cronjob ${metadata?.name}, and deploy \`solution: cronjob\` of this program.`,
    })),
  ];
}
