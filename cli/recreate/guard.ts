import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { authentikManager, outpostUuidLabel } from "../../authentik/names";
import { ownsFields } from "../../kubernetes/fieldOwners";
import type { Authentik } from "../pods/authentikPods";
import { isReady, nameOf } from "../pods/outpostPods";

const managedBy = "app.kubernetes.io/managed-by";
/** Label that authentik's Helm chart sets: server or worker. */
const component = "app.kubernetes.io/component";

/** Explains why nobody would bring the Deployment back; undefined if authentik should. */
export function whyNotRecreated(deployment: V1Deployment, authentik: Authentik): string | undefined {
  const { labels = {}, managedFields = [], namespace } = deployment.metadata ?? {};
  const name = `Deployment ${namespace}/${nameOf(deployment)}`;
  // A Deployment made by hand, as in authentik's manual, has the first label too.
  if (labels[managedBy] !== authentikManager || !labels[outpostUuidLabel]) {
    const missing = labels[managedBy] === authentikManager ? outpostUuidLabel : `${managedBy}=${authentikManager}`;
    return `${name} is not managed by authentik (it lacks the label ${missing}): nobody would bring it back`;
  }
  if (!ownsFields(authentikManager, managedFields)) {
    return `${name} has authentik's labels, but authentik has never written it (no field manager ${authentikManager}): nobody would bring it back`;
  }
  // The workers deploy outposts. If no pod says that it is one, any pod will do.
  const workers = authentik.pods.filter((pod) => pod.metadata?.labels?.[component] === "worker");
  const [who, able] = workers.length > 0 ? ["workers", workers] : ["own pods", authentik.pods];
  if (able.length > 0 && !able.some(isReady)) {
    const pods = able.map(nameOf).join(", ");
    return `none of authentik's ${who} in namespace ${authentik.namespace} is ready (${pods}): nobody would bring ${name} back`;
  }
  return undefined;
}

/** Returns a warning if it is not known that authentik runs; otherwise undefined. */
export function doubt({ pods, namespace, unknown }: Authentik): string | undefined {
  if (unknown) return `Whether authentik runs is not known: ${unknown}`;
  if (pods.length > 0) return undefined;
  return `No pods of authentik are in namespace ${namespace}: if it runs in another, name that with --authentik-namespace; if it runs elsewhere, make sure that it does`;
}
