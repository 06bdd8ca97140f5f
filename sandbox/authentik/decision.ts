// What authentik does about a Deployment that is there. Source: reconcile() of authentik/outposts/controllers/k8s/{deployment,base}.py, compare_ports() of utils.py.
import { isDeepStrictEqual } from "node:util";
import type { V1Container, V1ContainerPort, V1Deployment } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { applyPatch } from "./jsonPatch";
import type { RawOperation } from "./outpostConfig";

export type Decision = "nothing" | "patch" | "recreate";

/**
 * @param live the Deployment as the API server has it
 * @param reference what it should be: authentik's own, with the outpost's JSON patch applied
 * @param operations that JSON patch: where applying it to the live Deployment changes anything, authentik writes
 * @throws PatchRefused where it can't be applied to the live Deployment
 */
export function decide(live: V1Deployment, reference: V1Deployment, operations: readonly RawOperation[]): Decision {
  const [present, wanted] = [firstContainer(live), firstContainer(reference)];
  if (!samePorts(present.ports, wanted.ports)) return "recreate";
  if (live.spec?.replicas !== reference.spec?.replicas) return "patch";
  if (present.image !== wanted.image) return "patch";
  if (!isDeepStrictEqual(live.metadata?.labels, reference.metadata?.labels)) return "patch";
  return isDeepStrictEqual(applyPatch(live, operations), live) ? "nothing" : "patch";
}

/** Whatever its name is. */
function firstContainer({ spec }: V1Deployment): V1Container {
  const [first] = spec?.template.spec?.containers ?? [];
  if (!first) throw new Error("list index out of range"); // Python's, which authentik doesn't catch
  return first;
}

/** In any order; other fields of a port don't count. None at all is never the same. */
function samePorts(present: V1ContainerPort[] = [], wanted: V1ContainerPort[] = []): boolean {
  if (present.length === 0 || present.length !== wanted.length) return false;
  return wanted.every((port) => present.some((candidate) => samePort(port, candidate)));
}

function samePort(a: V1ContainerPort, b: V1ContainerPort): boolean {
  return a.name === b.name && a.protocol === b.protocol && a.containerPort === b.containerPort;
}
