import { scriptsConfigMap, scriptsVolume, sidecarContainer } from "../../cleaner/names";
import { cleanerScripts } from "../../cleaner/scripts";
import { lacksNativeSidecars } from "../../kubernetes/nativeSidecars";
import type { Deployment, Pod } from "../../kubernetes/types";
import { eitherWay } from "../advice";
import { podSpecOf } from "../pods/containers";
import { isAdmitted } from "../pods/solution";
import type { Cause, Found } from "./finding";
import { isUnchecked, type Snapshot } from "./snapshot";

/** Finds native sidecars on a cluster that has none. What authentik's releases lack, other checks find. */
export function sidecarTooNew({ spec }: Deployment, { version = "" }: Snapshot): Cause | undefined {
  const isNative = spec?.template.spec?.initContainers?.some(({ name }) => name === sidecarContainer);
  if (!isNative || !lacksNativeSidecars(version)) return undefined;
  return {
    seen: `the cluster is ${version}, from before 1.29, and the sidecar is a native one`,
    why: "Such a cluster waits for an init container to end, and the sidecar never does: the outpost does not start.",
    todo: `Set \`solution\` to cronjob, and deploy again ${eitherWay()}.`,
  };
}

/** Finds sidecars whose scripts are missing, or not those of this version. */
export function foreignScripts(snapshot: Snapshot): Found | undefined {
  const { namespace, outposts, scripts } = snapshot;
  const { deployments, pods } = outposts;
  const admitted = deployments.some((deployment) => isAdmitted(deployment, outposts)) ? pods.map(({ pod }) => pod) : [];
  if (![...deployments, ...admitted].some(mountsScripts) || isUnchecked(snapshot, "scripts")) return undefined;
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

const mountsScripts = (object: Deployment | Pod): boolean =>
  (podSpecOf(object).volumes ?? []).some(({ name }) => name === scriptsVolume);
