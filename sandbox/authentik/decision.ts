// authentik's decision about an existing Deployment, and how it applies an outpost's JSON patch. Source: reconcile() of
// authentik/outposts/controllers/k8s/{deployment,base}.py, compare_ports() of utils.py.
import { isDeepStrictEqual } from "node:util";
import type { V1Container, V1ContainerPort, V1Deployment } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { applyPatch as applyByLibrary, type Operation } from "rfc6902";
import type { RawOperation } from "./outpostConfig";

export type Decision = "nothing" | "patch" | "recreate";

/**
 * @param live the Deployment as the API server has it
 * @param reference the Deployment that authentik wants: its own, with the outpost's JSON patch applied
 * @param operations that JSON patch; authentik writes if applying it changes the live Deployment
 * @throws an error if it can't be applied to the live Deployment
 */
export function decide(live: V1Deployment, reference: V1Deployment, operations: readonly RawOperation[]): Decision {
  const [present, wanted] = [firstContainer(live), firstContainer(reference)];
  if (!samePorts(present.ports, wanted.ports)) return "recreate";
  if (live.spec?.replicas !== reference.spec?.replicas) return "patch";
  if (present.image !== wanted.image) return "patch";
  if (!isDeepStrictEqual(live.metadata?.labels, reference.metadata?.labels)) return "patch";
  return isDeepStrictEqual(applyPatch(live, operations), live) ? "nothing" : "patch";
}

/** Returns the first container, whatever its name. */
function firstContainer({ spec }: V1Deployment): V1Container {
  const [first] = spec?.template.spec?.containers ?? [];
  if (!first) throw new Error("list index out of range"); // Python's error, which authentik doesn't catch
  return first;
}

/** Compares ports in any order, without their other fields. If there are no ports, they never count as the same. */
function samePorts(present: V1ContainerPort[] = [], wanted: V1ContainerPort[] = []): boolean {
  if (present.length === 0 || present.length !== wanted.length) return false;
  return wanted.every((port) => present.some((candidate) => samePort(port, candidate)));
}

function samePort(a: V1ContainerPort, b: V1ContainerPort): boolean {
  return a.name === b.name && a.protocol === b.protocol && a.containerPort === b.containerPort;
}

/**
 * Returns a copy of the document with all operations applied, in order. The words of a refusal are not authentik's.
 * @throws the error of the first operation that can't be applied
 */
export function applyPatch<T extends object>(document: T, operations: readonly RawOperation[]): T {
  const patched = structuredClone(document);
  for (const operation of operations) {
    const [error] = applyByLibrary(patched, [operation as unknown as Operation]);
    if (error) throw error;
  }
  return patched;
}
