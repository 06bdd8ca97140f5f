import { refusedWith } from "../../kubernetes/connection";
import { UsageError } from "../errors";
import type { Target } from "../target";
import { namespacesWithOutposts } from "./noOutposts";
import { findOutposts, type Outposts } from "./outpostPods";

/**
 * Returns the target itself, or with --all-namespaces one for each namespace with pods of outposts, by authentik's labels, and one
 * for the stack's.
 */
export async function targetsOf(target: Target): Promise<Target[]> {
  const { cluster, namespace, expectation, inNamespace } = target;
  if (!inNamespace) return [target];
  const found = await namespacesWithOutposts(cluster).catch((error: Error) => {
    if (refusedWith(error) !== 403) throw error;
    const cure = "--all-namespaces requires that right; without it, name one namespace by --namespace";
    throw new Error(`${error.message}. ${cure}`, { cause: error });
  });
  return [...new Set([...found, ...(expectation ? [namespace] : [])])].sort().map(inNamespace);
}

/** Finds the outposts of all these targets, as {@link findOutposts} does. */
export async function findEverywhere(target: Target, names: string[]): Promise<Outposts[]> {
  if (target.inNamespace && names.length > 0)
    throw new UsageError(`"${names.join(" ")}" can't be looked up in all namespaces: leave it or --all-namespaces out`);
  return Promise.all((await targetsOf(target)).map((each) => findOutposts(each, names)));
}
