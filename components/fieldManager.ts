import * as pulumi from "@pulumi/pulumi";
import { objectLabels, stackManagerPrefix } from "../cleaner/names";
import { configNamespace } from "../settings/types";

/**
 * Returns the owner of all fields that this stack applies. It is the same again if the stack's state is lost. It differs from
 * that of any other stack, so that two at one Deployment conflict instead of taking turns. No name of a project or stack has a
 * slash.
 */
export function fieldManager(): string {
  const project = pulumi.getProject();
  return `${stackManagerPrefix}${project === configNamespace ? "" : `${project}/`}${pulumi.getStack()}`;
}

/**
 * Annotations by which the Kubernetes provider applies an object under this stack's name instead of a random one. So a stack
 * whose state was lost finds its own objects again.
 * @param takeOver true to take over fields that somebody else owns, such as an edit by hand; otherwise they are a conflict
 */
export const appliedByStack = (takeOver: boolean): Record<string, string> => ({
  "pulumi.com/patchFieldManager": fieldManager(),
  "pulumi.com/patchForce": String(takeOver),
});

/** The place of objects that are ours alone, and how they are applied. */
export interface Ownership {
  namespace: pulumi.Input<string>;
  /** True to take over fields that somebody else owns. */
  takeOver: boolean;
}

/** Returns the metadata of such an object. */
export const ownMetadata = (name: pulumi.Input<string>, { namespace, takeOver }: Ownership) => ({
  name,
  namespace,
  labels: objectLabels,
  annotations: appliedByStack(takeOver),
});
