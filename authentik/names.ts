import type { LabelSelector } from "../kubernetes/labelSelector";
import type { Deployment } from "../kubernetes/types";
import { slugify } from "./slug";

/** authentik's vocabulary in Kubernetes, as its own controller writes it (authentik/outposts/controllers/k8s in its source). */

/** Field manager of authentik's own writes, and value of the label `app.kubernetes.io/managed-by`. */
export const authentikManager = "goauthentik.io";

/** Label of everything in Kubernetes that has a manager of that kind; authentik puts its own name there. */
export const managedByLabel = "app.kubernetes.io/managed-by";

/** Labels of an outpost's Deployment and pods: the slug of its name, the id without hyphens, and its type. */
export const outpostNameLabel = "goauthentik.io/outpost-name";
export const outpostUuidLabel = "goauthentik.io/outpost-uuid";
const outpostTypeLabel = "goauthentik.io/outpost-type";
/** Type of the outposts that keep sessions in files. */
export const proxyType = "proxy";

/** Labels of the pods that authentik deploys for an outpost of this name. Its Deployment selects them by these and its id. */
export const podLabelsOf = (outpost: string): Record<string, string> => ({
  "app.kubernetes.io/name": "authentik-outpost-proxy",
  [managedByLabel]: authentikManager,
  [outpostNameLabel]: slugify(outpost),
  [outpostTypeLabel]: proxyType,
});

/**
 * Returns the part of a Deployment's selector that stays if the Deployment is created anew. authentik may then add others by a
 * JSON patch, or another id.
 */
export function lastingSelector(selector: LabelSelector): LabelSelector {
  const own = Object.entries(selector.matchLabels ?? {}).filter(([key]) => key in podLabelsOf(""));
  return own.length === Object.keys(podLabelsOf("")).length ? { matchLabels: Object.fromEntries(own) } : selector;
}

/** Selector of every proxy outpost that authentik deploys. */
export const proxySelector = `${outpostTypeLabel}=${proxyType}`;

/** The outpost's container in a Deployment of authentik's, which names it after the outpost's type. */
export const outpostContainer = proxyType;

/** Directory of the sessions: the TMPDIR of authentik's image from 2025.4.1 on. */
export const sessionDirectory = "/dev/shm";

const proxyImage = /(^|\/)goauthentik\/proxy([:@]|$)/;

export const runsProxy = ({ image = "" }: { image?: string }): boolean => proxyImage.test(image);

export const isLabelledProxy = (labels: Record<string, string> = {}): boolean => labels[outpostTypeLabel] === proxyType;

/**
 * Tells whether a Deployment is a proxy outpost, deployed by authentik or by hand. A manual one has any labels at all: those of
 * authentik's own page have changed over the years.
 */
export const isProxyOutpost = ({ metadata, spec }: Deployment): boolean =>
  isLabelledProxy(metadata?.labels) || (spec?.template.spec?.containers ?? []).some(runsProxy);

/** Longest name of an object of authentik's (KubernetesObjectReconciler.name in its source, since 2025.4). */
const longestName = 63;

export const defaultNamingTemplate = "ak-outpost-%(name)s";

/** Returns the name of an outpost's Deployment by authentik's default object_naming_template. */
export const deploymentName = (outpost: string): string => nameBy(defaultNamingTemplate, { name: outpost, uuid: "" });

/** Returns the same by any object_naming_template. */
export function nameBy(template: string, { name, uuid }: { name: string; uuid: string }): string {
  const values: Record<string, string> = { name: slugify(name), uuid: uuid.replaceAll("-", "") };
  const filled = template.replace(/%\((\w+)\)s/g, (_, key: string) => values[key] ?? "").toLowerCase();
  return slugify(filled)
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, longestName)
    .replace(/-$/, "");
}

/** The label of authentik's own pods, server and worker, by its Helm chart. */
export const authentikSelector = "app.kubernetes.io/name=authentik";

/** The `managed` key of the embedded outpost, which runs within authentik's server and has no Deployment. */
export const embeddedOutpost = "goauthentik.io/outposts/embedded";

/** Tells whether authentik made the Deployment for the outpost of this id. True if the Deployment does not say. */
export function belongsTo(pk: string, { metadata }: Deployment): boolean {
  const uuid = metadata?.labels?.[outpostUuidLabel];
  return uuid === undefined || uuid === pk.replaceAll("-", "");
}
