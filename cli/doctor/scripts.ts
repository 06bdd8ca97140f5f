import type { V1Deployment, V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { scriptsConfigMap, scriptsVolume } from "../../cleaner/names";
import { cleanerScripts } from "../../cleaner/scripts";
import { eitherWay } from "../advice";
import { isAdmitted } from "../pods/solution";
import { podSpecOf } from "../pods/containers";
import type { Found } from "./finding";
import type { Snapshot } from "./snapshot";

/** Finds sidecars whose scripts are missing, or not those of this version. */
export function foreignScripts({ namespace, outposts, scripts, unchecked }: Snapshot): Found | undefined {
  const { deployments, pods } = outposts;
  const admitted = deployments.some((deployment) => isAdmitted(deployment, outposts)) ? pods.map(({ pod }) => pod) : [];
  if (![...deployments, ...admitted].some(mountsScripts) || unchecked.some(({ what }) => what === "scripts"))
    return undefined;
  const subject = `ConfigMap/${scriptsConfigMap}`;
  if (!scripts) {
    const seen = `it is missing in namespace ${namespace}`;
    const why = "A sidecar that starts without it waits and sweeps nothing; one that runs goes on until its pod ends.";
    return { subject, seen, why, todo: `Deploy again ${eitherWay()}.` };
  }
  const { files } = cleanerScripts();
  const names = [...new Set([...Object.keys(files), ...Object.keys(scripts)])].sort();
  const changed = names.filter((name) => files[name] !== scripts[name]);
  if (changed.length === 0) return undefined;
  return {
    subject,
    seen: `${changed.join(", ")} differ${changed.length === 1 ? "s" : ""} from the files of this version`,
    why: "The sidecars run what is in it, as the outpost's user: another version's scripts, or somebody's own.",
    todo: `If another version of this program deployed it, use that one's \`doctor\`. Otherwise find out who wrote it (\`managedFields\`), and deploy again ${eitherWay()}.`,
  };
}

const mountsScripts = (object: V1Deployment | V1Pod): boolean =>
  (podSpecOf(object).volumes ?? []).some(({ name }) => name === scriptsVolume);
