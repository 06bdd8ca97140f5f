// The policy's text. test/e2e/cluster and test/e2e/node prove that an API server accepts it, and what it lets through.
import assert from "node:assert/strict";
import { cleanerScripts } from "../../../../cleaner/scripts";
import { execPolicySpec } from "../../../../components/cronjob/execPolicy";
import { textLiteral } from "../../../../kubernetes/cel";
import { resolveSettings } from "../../../../settings/resolve";

const { outposts } = resolveSettings({
  namespace: "authentik",
  outposts: ["one", { name: "two", anonymousMaxAge: "30m" }, { name: "three", container: "gate" }],
});
const spec = execPolicySpec({ namespace: "authentik", outposts, serviceAccountName: "sweeper" });

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

  it("knows the sweep to the letter", () => {
    assert.deepEqual(spec.variables, [{ name: "sweep", expression: textLiteral(cleanerScripts().sweep) }]);
  });

  it("lets just that through: in each outpost's pods, in its containers, with its settings, without stdin and terminal", () => {
    const sweep = (outpost: string, container: string, anonymous: number) =>
      `(request.name.matches("^ak-outpost-${outpost}-[a-z0-9]+-[a-z0-9]{5}$") && object.container in ["${container}","shm-cleanup"] && ` +
      `object.command == ["sh", "-c", variables.sweep, "sweep"] + ` +
      `["SWEEP_INTERVAL_SECONDS=300","ANONYMOUS_MAX_AGE_SECONDS=${anonymous}","AUTHENTICATED_MAX_AGE_SECONDS=86400",` +
      '"HIGH_WATERMARK_PERCENT=80","LOW_WATERMARK_PERCENT=60"])';
    assert.deepEqual(spec.validations, [
      {
        expression:
          'request.namespace == "authentik" && !(has(object.stdin) && object.stdin) && !(has(object.tty) && object.tty) && ' +
          `(${sweep("one", "proxy", 86400)} || ${sweep("three", "gate", 86400)} || ${sweep("two", "proxy", 1800)})`,
        message: "this account may run nothing but the sweep of authentik-outpost-shm, as the CronJob runs it",
        reason: "Forbidden",
      },
    ]);
  });
});
