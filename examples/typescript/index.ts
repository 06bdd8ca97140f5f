import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { OutpostShmCleanup } from "authentik-outpost-shm";

const config = new pulumi.Config();

// The component works on the cluster of this provider, whichever context is current.
// A changed setting updates the ConfigMap that carries it, which the provider would otherwise replace.
const cluster = new kubernetes.Provider("cluster", {
  context: config.require("context"),
  enableConfigMapMutable: true,
});

const cleanup = new OutpostShmCleanup(
  "shm",
  { namespace: config.require("namespace"), outposts: [{ name: config.require("outpost") }] },
  { provider: cluster },
);

export const { solutions, patchedDeployments } = cleanup;
