import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import {
  authentikClient,
  isAuthentikError,
  kubernetesIntegration,
  whyDisabled,
  type OutpostAnswer,
} from "../../authentik/client";
import { defaultNamingTemplate, embeddedOutpost, nameBy, outpostUuidLabel } from "../../authentik/names";
import type { Authentik } from "../pods/authentikPods";
import { nameOf } from "../pods/outpostPods";
import type { Target } from "../target";

/**
 * Asks authentik whether it would create the Deployment again. Labels and field managers can't tell: they stay when the outpost
 * is deleted, moved, or marked as the embedded one.
 * @param acceptOutage true to go on without access to authentik
 * @returns a warning to show before the deletion, if there is one
 * @throws if it would not, or if that is not known
 */
export async function askAuthentik(
  { authentikAccess }: Pick<Target, "authentikAccess">,
  deployment: V1Deployment,
  authentik: Authentik,
  acceptOutage = false,
): Promise<string | undefined> {
  const { namespace, labels = {} } = deployment.metadata ?? {};
  const name = `Deployment ${namespace}/${nameOf(deployment)}`;
  if (!authentikAccess) {
    if (acceptOutage)
      return `authentik was not asked whether it manages ${name}. If it does not, nobody brings it back`;
    throw new Error(
      `authentik was not asked whether it would bring ${name} back: that takes --stack with authentikUrl, and in AUTHENTIK_TOKEN ` +
        `a token that may view outposts. --accept-outage goes on without its answer: then the outpost's applications may stay out of reach`,
    );
  }
  const id = labels[outpostUuidLabel] ?? "";
  const client = authentikClient(authentikAccess);
  const outpost = await client.outpostById(id).catch((error: Error) => {
    if (!isAuthentikError(error)) throw error;
    throw new Error(`whether authentik would bring ${name} back is not known: ${error.message}`, { cause: error });
  });
  const why = outpost
    ? whyNotManaged(outpost, deployment, authentik)
    : `authentik has no outpost of the id ${id}, or none that the token's user may view`;
  if (why) throw new Error(`${why}: nobody would bring ${name} back`);
  return outpost && integrationDoubt(outpost);
}

/** Explains why authentik would not create the Deployment again, by its record of the outpost; undefined if it would. */
function whyNotManaged(outpost: OutpostAnswer, deployment: V1Deployment, authentik: Authentik): string | undefined {
  const { namespace = "" } = deployment.metadata ?? {};
  const why = whyNotDeployed(outpost) ?? whyElsewhere(outpost, namespace, nameOf(deployment), authentik);
  return why && `outpost "${outpost.name}" ${why}`;
}

function whyNotDeployed({ managed, type, config, service_connection_obj: integration }: OutpostAnswer) {
  if (managed === embeddedOutpost) return "is authentik's embedded outpost, which has no Deployment any more";
  if (type !== "proxy") return `is of type ${type}, and the Deployment that of a proxy`;
  if (!integration) return "has no integration, so authentik does not deploy it";
  if (integration.meta_model_name !== kubernetesIntegration)
    return `has the integration "${integration.name}", which is not a Kubernetes one`;
  return whyDisabled(config);
}

function whyElsewhere(
  { pk, name, config }: OutpostAnswer,
  namespace: string,
  deployment: string,
  authentik: Authentik,
): string | undefined {
  // Without one in its config, the outpost is deployed to the namespace of authentik itself.
  const own = authentik.pods.length > 0 ? authentik.namespace : undefined;
  const deployed = text(config.kubernetes_namespace) ?? own;
  if (deployed === undefined)
    return "has no kubernetes_namespace in its config, so it belongs where authentik is, and no pods of authentik were found (--authentik-namespace names its namespace)";
  if (deployed !== namespace) return `is deployed to namespace ${deployed} by now`;
  const template = text(config.object_naming_template) ?? defaultNamingTemplate;
  const wanted = nameBy(template, { name, uuid: pk });
  return wanted === deployment
    ? undefined
    : `is deployed as ${wanted} by now (its name, by the object_naming_template ${template})`;
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** Warns of an integration that may be that of another cluster: its kubeconfig is not for us to see. */
const integrationDoubt = ({ service_connection_obj: integration }: OutpostAnswer): string | undefined =>
  integration?.local === false
    ? `authentik deploys it by the integration "${integration.name}", which has a kubeconfig of its own: make sure that it is for this cluster`
    : undefined;
