import type { V1ConfigMap, V1CronJob, V1Job, KubernetesObject } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import type { ApiResource, Support } from "./supportedKinds";
import type { Deployment, LimitRange, Pod, PodTemplate, PodTemplatePatch } from "./types";

/** Result of a command in a container. */
export interface Executed {
  /** The command's own exit status. */
  status: number;
  stdout: string;
  stderr: string;
}

export interface ContainerPlace {
  namespace: string;
  pod: string;
  container: string;
}

/** A right that an account needs, in the terms of `kubectl auth can-i`. */
export interface Wish {
  namespace: string;
  /** Default: the core group. */
  group?: string;
  resource: string;
  subresource?: string;
  /** Default: any. */
  name?: string;
  verb: string;
}

/** The API server's answer, with its reason if it gives one. */
export interface Verdict {
  allowed: boolean;
  reason?: string;
}

/** An object of ours, by our label. */
export interface OwnObject {
  kind: "ConfigMap" | "ServiceAccount" | "Role" | "RoleBinding";
  name: string;
}

/** The part of the kubelet's summary (`/stats/summary`) that is used. */
export interface NodeSummary {
  pods: {
    podRef: { name: string; namespace: string };
    volume?: { name: string; usedBytes?: number; capacityBytes?: number; inodesUsed?: number }[];
  }[];
}

/**
 * The cluster as commands see it; tests inject one of their own. Every method rejects with one clear line: what was refused or
 * not answered, and why. `refusedWith` of kubernetes/connection.ts returns the HTTP status of a refusal.
 */
export interface Cluster {
  server: () => Promise<string>;
  /** The namespace of the kubeconfig's context, or "default" if it has none. */
  contextNamespace: () => Promise<string>;
  /** The cluster's version, such as `v1.34.4`. */
  version: () => Promise<string>;
  /** Pods of a namespace, or of all namespaces if undefined. */
  pods: (namespace: string | undefined, labelSelector?: string) => Promise<Pod[]>;
  /** Deployments, likewise. */
  deployments: (namespace: string | undefined, labelSelector?: string) => Promise<Deployment[]>;
  /** Undefined if there is none, as with the two below. */
  deployment: (namespace: string, name: string) => Promise<Deployment | undefined>;
  configMap: (namespace: string, name: string) => Promise<V1ConfigMap | undefined>;
  cronJob: (namespace: string, name: string) => Promise<V1CronJob | undefined>;
  cronJobs: (namespace: string) => Promise<V1CronJob[]>;
  limitRanges: (namespace: string) => Promise<LimitRange[]>;
  /** ConfigMaps, ServiceAccounts, Roles and RoleBindings with the labels. */
  ownObjects: (namespace: string, labelSelector: string) => Promise<OwnObject[]>;
  /** Jobs that the CronJob of that name has started, the newest first. */
  jobsOf: (namespace: string, cronJob: string) => Promise<V1Job[]>;
  /** The end of a container's log. */
  log: (place: ContainerPlace, options?: { tailLines?: number; previous?: boolean }) => Promise<string>;
  /**
   * Runs a command in a container. A command that fails is an answer, not an error. It is an error if the command can't be
   * started, or doesn't end within `timeoutMs` (default 60,000).
   */
  exec: (place: ContainerPlace, command: string[], options?: ExecOptions) => Promise<Executed>;
  /** Sends GET to an HTTP server in the pod, through the API server (`pods/proxy`). */
  podProxy: (namespace: string, pod: string, port: number, path: string) => Promise<string>;
  /** The kubelet's summary, through the API server (`nodes/proxy`). */
  nodeSummary: (node: string) => Promise<NodeSummary>;
  /** Reviews a right by a SelfSubjectAccessReview, as the account `as`, or as oneself if undefined. */
  selfMay: (wish: Wish, as?: string) => Promise<Verdict>;
  /** Reviews another account's right, by a SubjectAccessReview. */
  accountMay: (wish: Wish, user: string, groups: string[]) => Promise<Verdict>;
  /** Checks whether objects of a kind can be created. */
  support: (wanted: ApiResource) => Promise<Support>;
  /** Dry-runs a forced server-side apply of this pod template by this field manager. An undefined one gives its fields back. */
  dryRunApply: (namespace: string, name: string, fieldManager: string, template?: PodTemplatePatch) => Promise<DryRun>;
  /** Dry-runs a strategic merge patch of the pod spec by this field manager. */
  dryRunMerge: (namespace: string, name: string, fieldManager: string, podSpec: object) => Promise<DryRun>;
  /** Dry-runs the creation of a pod of this template, as a Deployment's controller would have it. */
  dryRunPod: (namespace: string, template: PodTemplate) => Promise<PodDryRun>;
  /** Returns why the API server finds a new object of this content invalid; undefined if it does not, or refuses it otherwise. */
  refusal: (object: KubernetesObject) => Promise<string | undefined>;
  /** Starts a Job from the CronJob's template, as `kubectl create job --from` does. */
  startJob: (cronJob: V1CronJob, name: string) => Promise<void>;
  /** Deletes the Deployment of that uid: its pods go first, it follows (foreground deletion). */
  deleteDeployment: (namespace: string, name: string, uid: string) => Promise<void>;
}

/** The outcome that the API server predicts for a change, or its reason to refuse it. */
export type DryRun =
  | { outcome: "applied"; deployment: Deployment }
  /** The account may not patch Deployments. */
  | { outcome: "forbidden"; reason: string }
  | { outcome: "invalid"; reason: string };

/** The pod that the API server would create, or its reason to refuse it, such as a quota's. */
export type PodDryRun = { outcome: "created"; pod: Pod } | { outcome: "refused"; reason: string };

export interface ExecOptions {
  timeoutMs?: number;
  /** Text for its stdin, which stays open after it. Default: no stdin. */
  stdin?: string;
  /** Receives what the command writes to its stdout while it runs, a piece at a time. */
  onStdout?: (text: string) => void;
  /** Closes the connection once it is aborted. */
  signal?: AbortSignal;
}
