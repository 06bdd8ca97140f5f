// The types of modules that build or inspect objects without Pulumi or a client. Types only: nothing is loaded at run time.
import type * as kubernetes from "@pulumi/kubernetes";

/** Parts of objects we apply. */
export type PodSpecPatch = kubernetes.types.input.core.v1.PodSpecPatch;
export type PodTemplatePatch = { metadata?: { labels: Record<string, string> }; spec?: PodSpecPatch };
export type CronJobSpec = kubernetes.types.input.batch.v1.CronJobSpec;
export type PolicyRule = kubernetes.types.input.rbac.v1.PolicyRule;

/** Objects as the API server returns them. */
export type {
  V1Deployment as Deployment,
  V1LimitRange as LimitRange,
  V1ManagedFieldsEntry as ManagedFieldsEntry,
  V1Pod as Pod,
  V1PodSpec as PodSpec,
  V1PodTemplateSpec as PodTemplate,
} from "@kubernetes/client-node" with { "resolution-mode": "import" };
