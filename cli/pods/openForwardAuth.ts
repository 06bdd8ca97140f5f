import { openForwardAuth, releasesOf } from "../../authentik/versions";
import { containersNamed } from "./containers";
import type { OutpostPod } from "./outpostPods";

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
