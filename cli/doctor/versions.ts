import { sidecarContainer } from "../../cleaner/names";
import { outpostContainerIn } from "../pods/containers";
import { nameOf } from "../pods/outpostPods";
import type { Finding } from "./finding";
import type { Snapshot } from "./snapshot";

const check = "versions";

/** authentik's first release with a sweep of its own, and Kubernetes' first version with native sidecars by default. */
const ownSweep = [2025, 8];
const nativeSidecars = [1, 29];

/** Finds versions that lack a feature an outpost needs. */
export function versionFindings({ outposts, version }: Snapshot): Finding[] {
  const cluster = versionOf(version ?? "");
  return outposts.deployments.flatMap((deployment) => {
    const { containers = [], initContainers = [] } = deployment.spec?.template.spec ?? {};
    const subject = `Deployment/${nameOf(deployment)}`;
    const image = containers.find(({ name }) => name === outpostContainerIn(deployment))?.image ?? "";
    const authentik = versionOf(/:([^:/@]+)(@|$)/.exec(image)?.[1] ?? "");
    const isNative = initContainers.some(({ name }) => name === sidecarContainer);
    return [
      ...(authentik && isBefore(authentik, ownSweep)
        ? [
            {
              check,
              subject,
              seen: `the outpost is ${image}, from before 2025.8`,
              why: "It has no sweep of its own: without ours no session goes before its pod does.",
              todo: "See that something sweeps it, and update authentik when you can.",
            },
          ]
        : []),
      ...(cluster && isBefore(cluster, nativeSidecars) && isNative
        ? [
            {
              check,
              subject,
              seen: `the cluster is ${version}, from before 1.29, and the sidecar is a native one`,
              why: "Such a cluster waits for an init container to end, and the sidecar never does: the outpost does not start.",
              todo: "Run `pulumi config set solution cronjob`, then `pulumi up`.",
            },
          ]
        : []),
    ];
  });
}

function versionOf(text: string): number[] | undefined {
  const match = /^v?(\d+)\.(\d+)/.exec(text);
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

const isBefore = ([major, minor]: number[], [otherMajor, otherMinor]: number[]): boolean =>
  major < otherMajor || (major === otherMajor && minor < otherMinor);
