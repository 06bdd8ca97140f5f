import { authentikManager, outpostUuidLabel } from "../../authentik/names";
import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { ownsFields } from "../../kubernetes/fieldOwners";
import { isReady, nameOf } from "../pods/outpostPods";
import type { Authentik } from "../pods/authentikPods";

const managedBy = "app.kubernetes.io/managed-by";
/** Set by authentik's Helm chart: server or worker. */
const component = "app.kubernetes.io/component";

/** Why nobody would bring the Deployment back; undefined where somebody should. */
export function whyNotRecreated(deployment: V1Deployment, authentik: Authentik): string | undefined {
  const { labels = {}, managedFields = [], namespace } = deployment.metadata ?? {};
  const name = `Deployment ${namespace}/${nameOf(deployment)}`;
  // Those of a Deployment by hand, as authentik's manual shows it, have the first one too.
  if (labels[managedBy] !== authentikManager || !labels[outpostUuidLabel]) {
    const missing = labels[managedBy] === authentikManager ? outpostUuidLabel : `${managedBy}=${authentikManager}`;
    return `${name} is not managed by authentik (it lacks the label ${missing}): nobody would bring it back`;
  }
  if (!ownsFields(authentikManager, managedFields)) {
    return `${name} has authentik's labels, but authentik has never written it (no field manager ${authentikManager}): nobody would bring it back`;
  }
  // It is the workers that deploy outposts. Where no pod says what it is, any will do.
  const workers = authentik.pods.filter((pod) => pod.metadata?.labels?.[component] === "worker");
  const [who, able] = workers.length > 0 ? ["workers", workers] : ["own pods", authentik.pods];
  if (able.length > 0 && !able.some(isReady)) {
    const pods = able.map(nameOf).join(", ");
    return `none of authentik's ${who} in namespace ${authentik.namespace} is ready (${pods}): nobody would bring ${name} back`;
  }
  return undefined;
}

/** What can't be told of whoever is to bring it back. */
export function doubt({ pods, namespace, unknown }: Authentik): string | undefined {
  if (unknown) return `Whether authentik runs is not known: ${unknown}`;
  if (pods.length > 0) return undefined;
  return `No pods of authentik are in namespace ${namespace}: if it runs in another, name that with --authentik-namespace; if it runs elsewhere, make sure that it does`;
}
