import type { Deployment } from "../kubernetes/types";

/** authentik's vocabulary in Kubernetes, as its own controller writes it (authentik/outposts/controllers/k8s in its source). */

/** Field manager of authentik's own writes, and value of the label `app.kubernetes.io/managed-by`. */
export const authentikManager = "goauthentik.io";

/** Label of everything in Kubernetes that has a manager of that kind; authentik puts its own name there. */
export const managedByLabel = "app.kubernetes.io/managed-by";

/** Labels of an outpost's Deployment and pods: the slug of its name, the id without hyphens, and its type. */
export const outpostNameLabel = "goauthentik.io/outpost-name";
export const outpostUuidLabel = "goauthentik.io/outpost-uuid";
const outpostTypeLabel = "goauthentik.io/outpost-type";

/** Labels of every proxy outpost that authentik deploys. */
export const proxyLabels = { [outpostTypeLabel]: "proxy" };
/** The same as a selector. */
export const proxySelector = `${outpostTypeLabel}=proxy`;
/** Selector of one outpost's pods. */
export const outpostSelector = (slug: string): string => `${outpostNameLabel}=${slug}`;

/** The outpost's container, which is named after the outpost's type. */
export const outpostContainer = "proxy";

/** An outpost's Deployment by authentik's default object_naming_template. */
export const deploymentName = (slug: string): string => `ak-outpost-${slug}`;

/** The label of authentik's own pods, server and worker, by its Helm chart. */
export const authentikSelector = "app.kubernetes.io/name=authentik";

/** The `managed` key of the embedded outpost, which runs within authentik's server and has no Deployment. */
export const embeddedOutpost = "goauthentik.io/outposts/embedded";

/** Tells whether authentik made the Deployment for the outpost of this id. True if the Deployment does not say. */
export function belongsTo(pk: string, { metadata }: Deployment): boolean {
  const uuid = metadata?.labels?.[outpostUuidLabel];
  return uuid === undefined || uuid === pk.replaceAll("-", "");
}
