import { revisionLabel } from "../../cleaner/names";
import { cleanerScripts } from "../../cleaner/scripts";
import { textLiteral, typedValue, type CelOptions } from "../../kubernetes/cel";
import type { PodFragment } from "../../podPatch/podFragment";
import { fragmentRevision } from "../../podPatch/revision";

/** The variable with the names of the pod's containers, in their order. */
export const containersVariable = { name: "containers", expression: "object.spec.containers.map(c, c.name)" };
/** Name of the variable with the loader, which every sidecar has as its command. */
export const loaderVariable = "loader";

const options: CelOptions = {
  maps: ["limits", "requests"],
  named: { [cleanerScripts().loader]: `variables.${loaderVariable}` },
};

/** Labels the pod with what it gets, since a Deployment that was created anew does not. The policy's pods have other labels too. */
const labelled = (fragment: PodFragment): string =>
  `  JSONPatch{op: "add", path: ${textLiteral(`/metadata/labels/${revisionLabel.replace("/", "~1")}`)}, value: ${textLiteral(fragmentRevision(fragment))}}`;

/** Writes the JSON patch of a pod that adds the fragment to it, as CEL. It is empty if the pod lacks the outpost's container. */
export function patchExpression(fragment: PodFragment): string {
  const { volumes, initContainers, containers } = fragment;
  const lists = [
    listIn("volumes", volumes),
    listIn("initContainers", initContainers),
    ...containers.map(({ name, volumeMounts }) => mountsIn(name, volumeMounts)),
  ];
  const present = containers.map(({ name }) => `${textLiteral(name)} in variables.${containersVariable.name}`);
  const added = [labelled(fragment), ...lists.flatMap((list) => list.added)];
  const parts = [...lists.map(({ made }) => made), `[\n${added.join(",\n")}\n]`];
  return `!(${present.join(" && ")}) ? [] :\n${parts.join(" +\n")}`;
}

/** A list of the pod: an operation that makes it if it is missing, and one for each element. */
interface ListPatch {
  made: string;
  added: string[];
}

const listIn = (name: string, elements: object[]): ListPatch =>
  listPatch(`object.spec.${name}`, textLiteral(`/spec/${name}`), `Object.spec.${name}`, elements);

/** Adds mounts to a container. A patch knows it only by its place, which other policies may change. */
function mountsIn(container: string, mounts: object[]): ListPatch {
  const index = `variables.${containersVariable.name}.indexOf(${textLiteral(container)})`;
  return listPatch(
    `object.spec.containers[${index}].volumeMounts`,
    `"/spec/containers/" + string(${index}) + "/volumeMounts"`,
    "Object.spec.containers.volumeMounts",
    mounts,
  );
}

function listPatch(list: string, path: string, type: string, elements: object[]): ListPatch {
  const last = path.endsWith('"') ? `${path.slice(0, -1)}/-"` : `${path} + "/-"`;
  return {
    made: `(has(${list}) ? [] : [JSONPatch{op: "add", path: ${path}, value: []}])`,
    added: elements.map(
      (element) => `  JSONPatch{op: "add", path: ${last}, value: ${typedValue(element, type, options, "  ")}}`,
    ),
  };
}
