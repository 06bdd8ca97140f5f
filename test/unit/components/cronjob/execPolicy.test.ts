// The policy's text. test/e2e/cluster and test/e2e/node prove that an API server accepts it, and what it lets through.
import assert from "node:assert/strict";
import { execPolicySpec } from "../../../../components/cronjob/execPolicy";
import { resolveSettings } from "../../../../settings/resolve";

const scripts = { sweep: 'echo "a\\b"\n' };
const { outposts } = resolveSettings({
  namespace: "authentik",
  outposts: ["one", { name: "two", anonymousMaxAge: "30m" }, "three"],
});
const spec = execPolicySpec({ namespace: "authentik", outposts, serviceAccountName: "sweeper" }, scripts);

describe("the exec policy", () => {
  it("is about exec by the CronJob's account, in every namespace, and refuses where it can't tell", () => {
    assert.equal(spec.failurePolicy, "Fail");
    assert.deepEqual(spec.matchConstraints.resourceRules, [
      { apiGroups: [""], apiVersions: ["*"], operations: ["CONNECT"], resources: ["pods/exec"], scope: "Namespaced" },
    ]);
    assert.deepEqual(spec.matchConditions, [
      { name: "account", expression: 'request.userInfo.username == "system:serviceaccount:authentik:sweeper"' },
    ]);
  });

  it("knows the sweep to the letter, and each outpost's settings once", () => {
    const words = (anonymous: number) =>
      `["SWEEP_INTERVAL_SECONDS=300","ANONYMOUS_MAX_AGE_SECONDS=${anonymous}","AUTHENTICATED_MAX_AGE_SECONDS=86400",` +
      '"HIGH_WATERMARK_PERCENT=80","LOW_WATERMARK_PERCENT=60"]';
    assert.deepEqual(spec.variables, [
      { name: "sweep", expression: '"echo \\"a\\\\b\\"\\n"' },
      { name: "settings", expression: `[${words(1800)}, ${words(86400)}]` },
    ]);
  });

  it("lets just those commands through, in the containers that the CronJob uses, without stdin and terminal", () => {
    assert.deepEqual(spec.validations, [
      {
        expression:
          'request.namespace == "authentik" && object.container in ["proxy","shm-cleanup"] && ' +
          'variables.settings.exists(words, object.command == ["sh", "-c", variables.sweep, "sweep"] + words) && ' +
          "!(has(object.stdin) && object.stdin) && !(has(object.tty) && object.tty)",
        message: "this account may run nothing but the sweep of authentik-outpost-shm, as the CronJob runs it",
        reason: "Forbidden",
      },
    ]);
  });
});
