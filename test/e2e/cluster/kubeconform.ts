// kubeconform with the schemas of the sandbox's own API server, since those that it downloads by default may be out of reach.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentProgress } from "../../../sandbox/progress";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { ensureTools } from "../../../sandbox/toolchain";
import type { Rendering } from "../rendering";

type Schema = Record<string, unknown>;
interface KindSchema extends Schema {
  "x-kubernetes-group-version-kind"?: { group: string; version: string; kind: string }[];
}

/** Returns a function that runs kubeconform over all objects of a kustomization, and returns what it says of them. */
export async function openKubeconform(rendering: Rendering): Promise<(folder: string) => string> {
  const { kubeconform } = await ensureTools(["kubeconform"], silentProgress);
  const dir = createStateFolder("schemas");
  rendering.shell("kubectl get --raw /openapi/v2 >openapi.json"); // which is longer than what a line may print
  const { definitions } = JSON.parse(readFileSync(join(rendering.dir, "openapi.json"), "utf8"), strict) as {
    definitions: Record<string, KindSchema>;
  };
  // A rendered Deployment is our part of it, which server-side apply adds to the rest.
  for (const part of ["Deployment", "DeploymentSpec"]) delete definitions[`io.k8s.api.apps.v1.${part}`].required;
  writeFileSync(join(dir, "definitions.json"), JSON.stringify({ definitions }));
  for (const [name, schema] of Object.entries(definitions))
    for (const { group, version, kind } of schema["x-kubernetes-group-version-kind"] ?? []) {
      const file = [kind, group.split(".")[0], version].filter(Boolean).join("-").toLowerCase();
      writeFileSync(join(dir, `${file}.json`), JSON.stringify({ $ref: `definitions.json#/definitions/${name}` }));
    }
  const location = `${dir}/{{.ResourceKind}}{{.KindSuffix}}.json`;
  return (folder) =>
    rendering.shell(
      `kubectl kustomize ${folder} | ${kubeconform} -strict -summary -schema-location '${location}' || true`,
    );
}

/** Has a schema refuse unknown fields, and says in JSON Schema what Kubernetes says by a format. */
function strict(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const schema = value as Schema;
  if (schema.format === "int-or-string") return { type: ["integer", "string"] };
  if (schema.type === "object" && schema.properties && !schema["x-kubernetes-preserve-unknown-fields"])
    return { additionalProperties: false, ...schema };
  return schema;
}
