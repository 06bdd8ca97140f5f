// The types of modules that build or inspect objects without Pulumi or a client. Types only: nothing is loaded at run time.
import type {
  V1Deployment,
  V1LimitRange,
  V1ManagedFieldsEntry,
  V1Pod,
  V1PodSpec,
  V1PodTemplateSpec,
} from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import type * as kubernetes from "@pulumi/kubernetes";

/** Parts of objects we apply. */
export type PodSpecPatch = kubernetes.types.input.core.v1.PodSpecPatch;
export type PodTemplatePatch = { metadata?: { labels: Record<string, string> }; spec?: PodSpecPatch };
export type CronJobSpec = kubernetes.types.input.batch.v1.CronJobSpec;
export type PolicyRule = kubernetes.types.input.rbac.v1.PolicyRule;

/** Objects as the API server returns them. */
export type Deployment = V1Deployment;
export type ManagedFieldsEntry = V1ManagedFieldsEntry;
export type Pod = V1Pod;
export type PodSpec = V1PodSpec;
export type PodTemplate = V1PodTemplateSpec;
export type LimitRange = V1LimitRange;
