import type { types } from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** Gives the CronJob's pods what this cluster requires of each pod, and the component has no argument for. */
export const strictCluster: pulumi.ResourceTransform = ({ type, props, opts }) => {
  if (type !== "kubernetes:batch/v1:CronJob") return undefined;
  const spec = pulumi.output(props.spec as types.output.batch.v1.CronJobSpec).apply((spec) => {
    const pods = spec.jobTemplate.spec.template.spec;
    pods.nodeSelector = { "kubernetes.io/os": "linux" };
    pods.priorityClassName = "background";
    pods.containers[0].resources.limits = { cpu: "500m", memory: "512Mi" };
    return spec;
  });
  return { props: { ...props, spec }, opts };
};
