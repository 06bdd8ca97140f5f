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
export async function supportOf(call: Call, { group, version, resource, namespace }: ApiResource): Promise<Support> {
  const isServed = await call(`list the resources of ${group}/${version}`, async (client) => {
    const served = await orUndefined(client, client.custom.getAPIResources({ group, version }));
    return served?.resources.some(({ name }) => name === resource) ?? false;
  });
  if (!isServed) return "unserved";
  const spec = { resourceAttributes: { group, resource, namespace, verb: "create" } };
  const { status } = await call(`say who may create ${resource}`, ({ authorization }) =>
    authorization.createSelfSubjectAccessReview({ body: { spec } }),
  );
  return status?.allowed === true ? "usable" : "forbidden";
}
