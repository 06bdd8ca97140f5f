import { cronJobName, isStack, scriptsConfigMap, stackManagerPrefix } from "../cleaner/names";
import { hasCronJob, hasSidecar, type Settings } from "../settings/types";
import { nothing, problem, type Findings } from "./findings";
import { ifForbidden } from "../kubernetes/connection";
import type { Places } from "./look";

/**
 * Stops where objects that a namespace has only once are another stack's. This one would take them over without a word: the
 * CronJob would sweep these outposts instead of those, and the destroy of one stack would take the scripts of both.
 */
export async function inspectOtherStack(
  { cluster, fieldManager }: Pick<Places, "cluster" | "fieldManager">,
  { namespace, outposts }: Pick<Settings, "namespace" | "outposts">,
): Promise<Findings> {
  if (!outposts.some((outpost) => hasSidecar(outpost) || hasCronJob(outpost))) return nothing;
  const objects = await Promise.all([
    cluster.configMap(namespace, scriptsConfigMap).catch(ifForbidden(undefined)),
    cluster.cronJob(namespace, cronJobName).catch(ifForbidden(undefined)),
  ]);
  const managers = objects
    .flatMap((object) => object?.metadata?.managedFields ?? [])
    .map(({ manager = "" }) => manager);
  const other = managers.find((manager) => isStack(manager) && manager !== fieldManager);
  if (other === undefined) return nothing;
  return problem(
    `namespace ${namespace} is that of another stack of this program, ${other.slice(stackManagerPrefix.length)}, and one stack serves one namespace. ` +
      `List the outposts of both in one of them. If this is that stack under another name, give it back its own: pulumi stack rename.`,
  );
}
