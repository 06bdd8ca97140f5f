import { orUndefined, type Call } from "./connection";

/** Result of a check that objects of a kind can be created. */
export type Support =
  | "usable"
  /** The cluster does not have the kind. */
  | "unserved"
  /** The cluster has it, and the account that runs the program may not create any. */
  | "forbidden";

/** A kind, as named in the API server's own list of what it serves. */
export interface ApiResource {
  group: string;
  version: string;
  /** Plural, lower case. */
  resource: string;
  /** Namespace to create it in; undefined for the whole cluster. */
  namespace?: string;
}

/** Checks the cluster's own list of what it serves, and then reviews the account's rights. Changes nothing in the cluster. */
export async function supportOf(call: Call, wanted: ApiResource): Promise<Support> {
  if (!(await isServed(call, wanted))) return "unserved";
  return (await mayCreate(call, wanted)) ? "usable" : "forbidden";
}

function isServed(call: Call, { group, version, resource }: ApiResource): Promise<boolean> {
  return call(`list the resources of ${group}/${version}`, async (client) => {
    const served = await orUndefined(client, client.custom.getAPIResources({ group, version }));
    return served?.resources.some(({ name }) => name === resource) ?? false;
  });
}

function mayCreate(call: Call, { group, resource, namespace }: ApiResource): Promise<boolean> {
  return call(`say who may create ${resource}`, async ({ authorization }) => {
    const spec = { resourceAttributes: { group, resource, namespace, verb: "create" } };
    return (await authorization.createSelfSubjectAccessReview({ body: { spec } })).status?.allowed === true;
  });
}
