import type * as pulumi from "@pulumi/pulumi";

/**
 * Returns the options of a component's child. If the engine replaces it (`pulumi up --replace`, another address of the
 * cluster in the provider), the old one goes first: both are one object of the cluster, so that to delete it last would delete what
 * was just made.
 */
export const childOf = (parent: pulumi.Resource, dependsOn: pulumi.Resource[] = []): pulumi.CustomResourceOptions => ({
  parent,
  deleteBeforeReplace: true,
  dependsOn,
});
