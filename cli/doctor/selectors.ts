import { cronJobName } from "../../cleaner/names";
import { refusedPods } from "../../kubernetes/rollout";
import { selectorInShell } from "../../kubernetes/selector";
import { sweptDeployments } from "../pods/cronJob";
import { nameOf } from "../pods/outpostPods";
import type { Finding } from "./finding";
import type { Snapshot } from "./snapshot";

const check = "selectors";
/** A name found in older guides. authentik's own is authentik-outpost-proxy. */
const wrongSelector = "authentik-proxy-outpost";

/** Finds names, namespaces and labels that match nothing. */
export function selectorFindings(snapshot: Snapshot): Finding[] {
  return [...noOutposts(snapshot), ...withoutPods(snapshot), ...missing(snapshot), ...ofCronJobs(snapshot)];
}

function noOutposts({ outposts, namespace, elsewhere, authentik, outpostShm }: Snapshot): Finding[] {
  if (outposts.deployments.length + outposts.pods.length > 0) return [];
  const [other] = elsewhere;
  const embedded =
    authentik.pods.length > 0
      ? "authentik itself is here: its embedded outpost has no Deployment and needs none of this, since it keeps its sessions in PostgreSQL (before 2025.10 in Redis). If there are other outposts, name their namespace"
      : "Name the namespace of the outposts";
  return [
    {
      check,
      subject: `Namespace/${namespace}`,
      seen: `no Deployment of a proxy outpost${elsewhere.length > 0 ? `; some are in ${elsewhere.join(", ")}` : ""}`,
      why: "There is nothing here to look after.",
      todo: other ? `Look there: ${outpostShm("doctor", other)}` : `${embedded}: ${outpostShm("doctor", "NAMESPACE")}`,
    },
  ];
}

function withoutPods({ outposts, kubectl }: Snapshot): Finding[] {
  const empty = outposts.deployments.filter(
    (deployment) =>
      (deployment.spec?.replicas ?? 1) > 0 &&
      !outposts.pods.some((pod) => pod.deployment === nameOf(deployment)) &&
      // The check "rollout" gives the reason.
      refusedPods(deployment) === undefined,
  );
  return empty.map((deployment) => ({
    check,
    subject: `Deployment/${nameOf(deployment)}`,
    seen: `it wants ${deployment.spec?.replicas ?? 1} pods and has none`,
    why: "Nobody gets at the outpost's applications.",
    todo: `See why: ${kubectl} describe replicasets -l ${selectorInShell(deployment)} (a quota, an admission webhook, Pod Security).`,
  }));
}

function missing({ outposts, expectation, namespace }: Snapshot): Finding[] {
  const names = outposts.deployments.map(nameOf);
  const lost = (expectation?.outposts ?? []).filter(({ deployment }) => !names.includes(deployment));
  return lost.map(({ name, deployment }) => ({
    check,
    subject: `Deployment/${deployment}`,
    seen: `outpost "${name}" of the stack has no such Deployment in namespace ${namespace}; there are: ${names.join(", ") || "none"}`,
    why: "`pulumi up` stops before any change.",
    todo: "Correct the name in `outposts` to that in authentik, or see why authentik has not deployed it: it takes a Kubernetes integration (Applications › Outposts › Edit).",
  }));
}

function ofCronJobs({ cronJobs, outposts, kubectl }: Snapshot): Finding[] {
  return cronJobs.flatMap((cronJob) => {
    const name = cronJob.metadata?.name ?? "";
    if (name === cronJobName) {
      const there = outposts.deployments.map(nameOf);
      const lost = sweptDeployments(cronJob).filter((deployment) => !there.includes(deployment));
      return lost.map((deployment) => ({
        check,
        subject: `CronJob/${name}`,
        seen: `it sweeps Deployment ${deployment}, which is not here`,
        why: "Each of its runs fails for that outpost.",
        todo: "Correct the name in `outposts` to that in authentik, and run `pulumi up`.",
      }));
    }
    if (!JSON.stringify(cronJob.spec ?? {}).includes(wrongSelector)) return [];
    return [
      {
        check,
        subject: `CronJob/${name}`,
        seen: `it selects pods by ${wrongSelector}`,
        why: "No pod has that label: authentik calls them authentik-outpost-proxy. It has never cleaned anything.",
        todo: `${kubectl} delete cronjob ${name}, and deploy \`solution: cronjob\` of this program.`,
      },
    ];
  });
}
