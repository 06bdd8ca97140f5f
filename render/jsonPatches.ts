import { hasSidecar, type OutpostSettings } from "../settings/types";
import { compose, ownPart } from "../podPatch/jsonPatch/jsonPatch";
import { podFragment } from "../podPatch/podFragment";
import { yaml } from "./directory";

/** Syntaxes of JSON patches: for authentik's Admin UI and blueprints, for programs, for Terraform. */
export type Syntax = "yaml" | "json" | "hcl";

/** Returns the outposts whose sidecar comes by their config in authentik. */
export const patchedByAuthentik = (outposts: readonly OutpostSettings[]): OutpostSettings[] =>
  outposts.filter((outpost) => hasSidecar(outpost) && outpost.delivery === "authentik");

/** Writes `kubernetes_json_patches` of each outpost's config. JSON, which has no comments, has the operations by outpost. */
export function jsonPatches(outposts: readonly OutpostSettings[], syntax: Syntax): string {
  const patches = outposts.map((outpost) => ({
    name: outpost.name,
    deployment: compose([], ownPart(podFragment(outpost))).operations,
  }));
  if (syntax === "json") return json(Object.fromEntries(patches.map(({ name, deployment }) => [name, deployment])));
  return patches
    .map(({ name, deployment }) => {
      const comment = `# For the config of outpost ${JSON.stringify(name)}. The sidecar's scripts and settings are in ConfigMaps: \`outpost-shm render -o\`.\n`;
      const text =
        syntax === "yaml"
          ? yaml({ kubernetes_json_patches: { deployment } })
          : `kubernetes_json_patches = ${hcl({ deployment })}`;
      return `${comment}${text}`;
    })
    .join("\n");
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Writes HCL, which reads JSON's strings and lists, but takes `${` and `%{` in them for templates. */
const hcl = (value: unknown): string =>
  json(value)
    .replace(/^( *)"(\w+)": /gm, "$1$2 = ")
    .replace(/([$%])\{/g, "$1$1{");
