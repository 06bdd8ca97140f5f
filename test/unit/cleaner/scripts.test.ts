import assert from "node:assert/strict";
import { sidecarContainer } from "../../../cleaner/names";
import { cronJobSpec } from "../../../components/cronjob/cronJobSpec";
import { resolveSettings } from "../../../settings/resolve";
import { podFragment } from "../../../sidecar/podFragment";

/**
 * Expands a command as Kubernetes does before a container gets it. `$(NAME)` is replaced if NAME is one of the container's
 * variables, and `$$` by `$` (third_party/forked/golang/expansion in kubernetes/kubernetes), whatever quotes a shell would see.
 */
function expanded(text: string, variables: readonly string[]): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (whole, next: string, name: string) => {
    if (next === "$") return "$";
    return variables.includes(name) ? `<${name}>` : whole;
  });
}

describe("the cleaner's scripts in a container's command", () => {
  const settings = resolveSettings({ namespace: "authentik", outposts: ["main"] });
  const sidecar = podFragment(settings.outposts[0]).initContainers;
  const job = cronJobSpec({ ...settings, serviceAccountName: "a" });
  const containers = [
    (sidecar as { name: string }[]).find(({ name }) => name === sidecarContainer),
    (job as { jobTemplate: { spec: { template: { spec: { containers: unknown[] } } } } }).jobTemplate.spec.template.spec
      .containers[0],
  ] as { name: string; command: string[]; env: { name: string }[] }[];

  for (const { name, command, env } of containers) {
    it(`reach ${name} as they are`, () => {
      const variables = env.map((variable) => variable.name);
      assert.deepEqual(
        command.map((word) => expanded(word, variables)),
        command,
      );
    });
  }

  it("would not, with an id of the shell or a variable of the container in them", () => {
    assert.equal(
      expanded('eval "echo $key=\\$$key"; rm file.$$; echo $(SHM_DIR) $(date)', ["SHM_DIR"]),
      'eval "echo $key=\\$key"; rm file.$; echo <SHM_DIR> $(date)',
    );
  });
});
