import type { V1Deployment, V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { directoryOf, sessionPlace, type SessionPlace } from "../../authentik/sessionPlace";
import { containersNamed } from "./containers";
import type { Inside } from "./inside";

/** Returns the place of the sessions, by what a command in the container reports; by the container's spec if there is none. */
export function sessionPlaceIn(object: V1Deployment | V1Pod, container: string, { tmpdir }: Inside = {}): SessionPlace {
  const bySpec = sessionPlace(containersNamed(object, container)[0] ?? {});
  if (tmpdir === undefined) return bySpec;
  const dir = directoryOf(tmpdir);
  if ("dir" in bySpec && bySpec.dir === dir) return bySpec;
  return { dir, because: `TMPDIR in its environment is ${tmpdir === "" ? "not set" : tmpdir}` };
}
