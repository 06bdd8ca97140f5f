import * as pulumi from "@pulumi/pulumi";
import { stackManagerPrefix } from "../cleaner/names";
import { configNamespace } from "../settings/settings";

/**
 * Owner of all fields that this stack applies: the same again if its state is lost, and another than that of any other
 * stack, so that two at one Deployment conflict instead of taking turns. A slash is in no name of a project or stack.
 */
export function fieldManager(): string {
  const project = pulumi.getProject();
  return `${stackManagerPrefix}${project === configNamespace ? "" : `${project}/`}${pulumi.getStack()}`;
}

/**
 * Annotations by which the Kubernetes provider applies an object in this stack's name, and not in one that it draws: a stack
 * whose state was lost finds its own objects again.
 * @param takeOver whether fields that somebody else owns are taken, an edit by hand among them; else they are a conflict
 */
export const appliedByStack = (takeOver: boolean): Record<string, string> => ({
  "pulumi.com/patchFieldManager": fieldManager(),
  "pulumi.com/patchForce": String(takeOver),
});
