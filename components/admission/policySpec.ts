import { ownVolumes, revisionLabel, shmMountPath, sidecarContainer } from "../../cleaner/names";
import { cleanerScripts } from "../../cleaner/scripts";
import { textBlock, textLiteral } from "../../kubernetes/cel";
import type { LabelSelector } from "../../kubernetes/labelSelector";
import type { PodFragment } from "../../podPatch/podFragment";
import { containersVariable, loaderVariable, patchExpression } from "./patchExpression";
import { commonSelector, labelsVariable, selectorExpression } from "./podSelector";

/** An outpost whose pods get the sidecar as they are created. */
export interface AdmittedOutpost {
  deployment: string;
  podSelector: LabelSelector;
  fragment: PodFragment;
}

const list = (texts: readonly string[]): string => `[${texts.map(textLiteral).join(", ")}]`;

/** Tells a pod that has no part of ours or of anyone else's cure: two volumes on /dev/shm would keep it from starting. */
const isBare = [
  `!(has(object.spec.volumes) && object.spec.volumes.exists(v, v.name in ${list(ownVolumes)}))`,
  `!(has(object.spec.initContainers) && object.spec.initContainers.exists(c, c.name == ${textLiteral(sidecarContainer)}))`,
  `!object.spec.containers.exists(c, c.name == ${textLiteral(sidecarContainer)})`,
  `!object.spec.containers.exists(c, has(c.volumeMounts) && c.volumeMounts.exists(m, m.mountPath == ${textLiteral(shmMountPath)}))`,
].join(" &&\n");

/**
 * A MutatingAdmissionPolicy that adds the fragment to each pod of these outposts as it is created. Labels select the pods before
 * any expression is evaluated. A fault in it never keeps a pod from starting.
 */
export function policySpec(namespace: string, outposts: readonly AdmittedOutpost[]) {
  const objectSelector = commonSelector(outposts.map(({ podSelector }) => podSelector));
  return {
    failurePolicy: "Ignore",
    reinvocationPolicy: "Never",
    matchConstraints: {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
      ...(objectSelector && { objectSelector }),
      resourceRules: [
        { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"], scope: "Namespaced" },
      ],
    },
    matchConditions: [{ name: "bare", expression: isBare }],
    variables: [
      labelsVariable,
      { name: "deployment", expression: deploymentExpression(outposts) },
      containersVariable,
      { name: loaderVariable, expression: textBlock(cleanerScripts().loader) },
    ],
    mutations: outposts.map(({ deployment, fragment }) => ({
      patchType: "JSONPatch",
      jsonPatch: {
        expression: `variables.deployment != ${textLiteral(deployment)} || ${patchExpression(fragment)}`,
      },
    })),
  };
}

/** Names the Deployment whose selector matches the pod's labels. */
function deploymentExpression(outposts: readonly AdmittedOutpost[]): string {
  const cases = outposts.map(
    ({ deployment, podSelector }) => `${selectorExpression(podSelector)} ? ${textLiteral(deployment)} :\n`,
  );
  return `${cases.join("")}""`;
}

/**
 * Selects the pods whose template asks for the sidecar, or all others. Each has a binding of its own: the one of the others comes
 * after the rollout that brings the sidecar, and goes before the rollout that takes it away. So neither sees the wrong pods.
 */
export const bindingSelector = (isAsked: boolean) => ({
  objectSelector: { matchExpressions: [{ key: revisionLabel, operator: isAsked ? "Exists" : "DoesNotExist" }] },
});
