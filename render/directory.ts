import { stringify } from "yaml";
import { scriptsConfigMap, settingsConfigMap, stackManagerPrefix } from "../cleaner/names";
import type { Manifest } from "./manifests";

/** First line of every file, by which a later run knows its own. */
export const mark =
  "# Written by `outpost-shm render`. Render again instead of editing; docs/gitops.md says how to apply and remove it.\n";

/** Folder of the parts of Deployments. Nothing that deletes the other objects deletes these. */
export const deploymentsFolder = "deployments";

/** Flag of `kubectl apply` with the owner of all that is applied. Only the same one can give it back. */
export const applyFlags = (stack: string): string => `--server-side --field-manager=${stackManagerPrefix}${stack}`;

/** Returns the files of a kustomize directory by their path in it, in order: one per object, and the list of each folder. */
export function directory(objects: readonly Manifest[], stack: string): Record<string, string> {
  const own = objects.filter(({ kind }) => kind !== "Deployment");
  const deployments = objects.filter(({ kind }) => kind === "Deployment");
  const files = { ...folder("", own, stack), ...folder(`${deploymentsFolder}/`, deployments, stack) };
  return Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Writes the objects as one stream of YAML. */
export const stream = (objects: readonly Manifest[]): string =>
  sorted(objects)
    .map((object) => `---\n${file(object)}`)
    .join("");

function folder(path: string, objects: readonly Manifest[], stack: string): Record<string, string> {
  const resources = sorted(objects).map(fileName);
  const list = { apiVersion: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization", resources };
  const apply = `# kubectl apply ${applyFlags(stack)} -k ${path === "" ? "this folder, then -k its" : "this"} folder`;
  const root = objects.length > 0 ? `${apply} ${deploymentsFolder}\n` : "# There is nothing to apply in this folder.\n";
  const how = path === "" ? root : `${apply}\n${warning}`;
  return {
    [`${path}kustomization.yaml`]: `${mark}${how}${yaml(list)}`,
    ...Object.fromEntries(objects.map((object) => [`${path}${fileName(object)}`, `${mark}${file(object)}`])),
  };
}

const sorted = (objects: readonly Manifest[]): Manifest[] =>
  [...objects].sort((a, b) => (fileName(a) < fileName(b) ? -1 : 1));

const fileName = ({ kind, metadata }: Manifest): string =>
  kind === "Deployment" ? `${metadata.name}.yaml` : `${kind.toLowerCase()}-${metadata.name}.yaml`;

const file = (object: Manifest): string => `${purpose(object)}${yaml(object)}`;

/** Writes YAML that parsers of version 1.1 read alike, such as kubectl's and authentik's. */
export const yaml = (value: unknown): string => stringify(value, { lineWidth: 0, version: "1.1" });

const warning =
  "# NEVER name this to `kubectl delete`: the Deployments are authentik's, and the outposts would be down until it makes new ones.\n";

const purposes: Record<string, string> = {
  CronJob: "Sweeps /dev/shm of the outposts' pods by exec, with the account of the same name.",
  ServiceAccount: "The CronJob's account.",
  Role: "The rights of the CronJob's account: to read the outposts' Deployments, and to list and exec in pods.",
  RoleBinding: "Gives the CronJob's account its rights.",
  ValidatingAdmissionPolicy: "Refuses the CronJob's account every command in a pod but the sweep.",
  ValidatingAdmissionPolicyBinding: "Puts the policy on the CronJob's account in force.",
  MutatingAdmissionPolicy:
    "Gives the sidecar to the outposts' pods as they are created. It has to be in force before the Deployments ask for it.",
  MutatingAdmissionPolicyBinding:
    "Puts the sidecar's policy in force, for pods whose template asks for it (rollout) or for all others (recreated).",
  PodMonitor: "Has Prometheus scrape the sidecars. A kind of the Prometheus operator.",
  PrometheusRule: "The alerts. A kind of the Prometheus operator.",
};

function purpose({ kind, metadata: { name }, spec }: Manifest): string {
  if (kind === "Deployment") {
    const part = spec === undefined ? "No part of ours: applying it gives back what was applied before" : "Our part";
    return `# ${part} of the Deployment, which is authentik's. For server-side apply only.\n${warning}`;
  }
  if (kind !== "ConfigMap") return `# ${purposes[kind]}\n`;
  if (name === scriptsConfigMap)
    return "# The sidecars' scripts. Sidecars follow a change within about a minute, and no pod restarts.\n";
  return name.endsWith(settingsConfigMap(""))
    ? "# The sweep settings of an outpost's sidecar, which follows a change within about a minute. No pod restarts.\n"
    : "# The dashboard, which Grafana's dashboard sidecar finds by its label.\n";
}
