import { sidecarContainer } from "../../cleaner/names";
import type { Deployment } from "../../kubernetes/types";
import { replaceBare } from "../advice";
import { barePods } from "../pods/solution";
import { counted } from "../units";
import type { Cause } from "./finding";
import type { Snapshot } from "./snapshot";

/** Finds pods that an admission policy should have given the sidecar. Such a fault keeps no pod from starting, so nothing else shows it. */
export function missedByAdmission(deployment: Deployment, { outposts, kubectl }: Snapshot): Cause | undefined {
  const bare = barePods(deployment, outposts).map(({ name }) => name);
  if (bare.length === 0) return undefined;
  return {
    seen: `${counted(bare.length, "pod")} without container ${sidecarContainer}: ${bare.join(", ")}`,
    why: "The admission policy that gives it to them was missing, edited or failing as they were created. Their /dev/shm has 64 MiB, and nothing sweeps it.",
    todo: replaceBare(kubectl, bare),
  };
}
