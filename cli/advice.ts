// Warnings and remedies that several commands print. `kubectl` is that of a target, with its flags.
import { openForwardAuth, releasesOf } from "../authentik/releases";
import { cronJobName } from "../cleaner/names";
import { containersNamed } from "./pods/containers";
import type { OutpostPod } from "./pods/outpostPods";
import type { Target } from "./target";

/** Completes "deploy again": by Pulumi, or by whatever applies what `outpost-shm render` writes. */
export const eitherWay = (pulumiUp = "pulumi up --refresh"): string =>
  `(\`${pulumiUp}\`, or apply what \`render\` writes)`;

/** Names the command, and how it may ask authentik first: without that it is refused. */
export const recreateCommand = (
  { outpostShm, authentikAccess }: Pick<Target, "outpostShm" | "authentikAccess">,
  deployment: string,
): string =>
  `\`${outpostShm(`recreate ${deployment}`)}\`` +
  (authentikAccess ? "" : " (it asks authentik first, by --stack with `authentikUrl`, and a token in AUTHENTIK_TOKEN)");

/** Tells how pods get what an admission policy did not give them. */
export const replaceBare = (kubectl: string, pods: string[]): string =>
  `Deploy again ${eitherWay()}, which puts the admission policy back; then: ${kubectl} delete pod ${pods.join(" ")} (their users log in again).`;

/** Tells how a rollout gets on whose new pods Kubernetes refuses. */
export const seeRefusal = (kubectl: string, deployment: string): string =>
  `Change what refuses them, or the setting that it refuses: ${kubectl} describe deployment ${deployment}`;

export const resumeRollout = (kubectl: string, deployment: string): string =>
  `Resume it: ${kubectl} rollout resume deployment ${deployment}`;

export const resumeCronJob = (kubectl: string): string =>
  `Find out who suspended it, then: ${kubectl} patch cronjob ${cronJobName} -p '{"spec":{"suspend":false}}'`;

/** Tells where the cluster says why a pod does not run. */
export const describePod = (kubectl: string, pod: string): string => `See why: ${kubectl} describe pod ${pod}`;

/** Names the outposts among these pods on which forward auth is open, and says what that means. Undefined if there are none. */
export function openAmong(pods: OutpostPod[]): string | undefined {
  const open = pods.flatMap(({ pod, outpost, container }) => {
    const { image } = containersNamed(pod, container)[0] ?? {};
    return releasesOf(image)?.isOpen ? [`${outpost} (${image})`] : [];
  });
  const named = [...new Set(open)];
  if (named.length === 0) return undefined;
  return `Outpost${named.length === 1 ? "" : "s"} ${named.join(", ")}: ${openForwardAuth}`;
}
