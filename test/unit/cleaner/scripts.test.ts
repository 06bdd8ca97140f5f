import assert from "node:assert/strict";
import { sidecarContainer } from "../../../cleaner/names";
import { cronJobSpec } from "../../../components/cronjob/cronJobSpec";
import { resolveSettings } from "../../../settings/resolve";
import { podFragment } from "../../../podPatch/podFragment";

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
    // Kubernetes replaces `$(NAME)` if NAME is one of the container's variables, and `$$` by `$`, whatever quotes a shell would
    // see (third_party/forked/golang/expansion in kubernetes/kubernetes).
    it(`reach ${name} as they are`, () => {
      const variables = env.map((variable) => variable.name).join("|");
      assert.doesNotMatch(command.join("\n"), new RegExp(`\\$(?:\\$|\\((?:${variables})\\))`));
    });
  }
});
