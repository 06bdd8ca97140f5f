import assert from "node:assert/strict";
import type { V1CronJobSpec } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { objectLabels as labels } from "../../../../cleaner/names";
import { cleanerScripts } from "../../../../cleaner/scripts";
import { cronJobSpec } from "../../../../components/cronjob/cronJobSpec";
import { execRules } from "../../../../kubernetes/execRole";
import { resolveSettings } from "../../../../settings/resolve";

const { cronjob, sweep } = cleanerScripts();

const settingsOf = (raw: Record<string, unknown>) =>
  resolveSettings({ namespace: "authentik", outposts: ["Zulu", { name: "Alpha", anonymousMaxAge: "10m" }], ...raw });

describe("CronJob manifest", () => {
  const spec = cronJobSpec({ ...settingsOf({ schedule: "5 * * * *" }), serviceAccountName: "sweeper" });

  it("is exactly this", () => {
    assert.deepEqual(spec, {
      schedule: "5 * * * *",
      concurrencyPolicy: "Forbid",
      startingDeadlineSeconds: 300,
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 3,
      jobTemplate: {
        metadata: { labels },
        spec: {
          backoffLimit: 1,
          activeDeadlineSeconds: 900,
          template: {
            metadata: { labels },
            spec: {
              serviceAccountName: "sweeper",
              restartPolicy: "Never",
              securityContext: {
                runAsNonRoot: true,
                runAsUser: 65534,
                runAsGroup: 65534,
                seccompProfile: { type: "RuntimeDefault" },
              },
              containers: [
                {
                  name: "shm-cleanup-cronjob",
                  image: "docker.io/alpine/kubectl:1.34.2",
                  command: ["/bin/sh", "-c", cronjob, "shm-cleanup-cronjob", sweep],
                  env: [
                    { name: "NAMESPACE", value: "authentik" },
                    {
                      name: "OUTPOSTS",
                      value:
                        "ak-outpost-alpha proxy SWEEP_INTERVAL_SECONDS=300 ANONYMOUS_MAX_AGE_SECONDS=600 AUTHENTICATED_MAX_AGE_SECONDS=86400 " +
                        "HIGH_WATERMARK_PERCENT=80 LOW_WATERMARK_PERCENT=60\n" +
                        "ak-outpost-zulu proxy SWEEP_INTERVAL_SECONDS=300 ANONYMOUS_MAX_AGE_SECONDS=86400 AUTHENTICATED_MAX_AGE_SECONDS=86400 " +
                        "HIGH_WATERMARK_PERCENT=80 LOW_WATERMARK_PERCENT=60",
                    },
                    { name: "USAGE_CRITICAL_PERCENT", value: "95" },
                    { name: "PARALLEL", value: "8" },
                    { name: "POD_TIMEOUT_SECONDS", value: "120" },
                    { name: "HOME", value: "/tmp" },
                  ],
                  resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "512Mi" } },
                  securityContext: {
                    allowPrivilegeEscalation: false,
                    readOnlyRootFilesystem: true,
                    capabilities: { drop: ["ALL"] },
                  },
                  volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
                },
              ],
              volumes: [{ name: "tmp", emptyDir: { sizeLimit: "64Mi" } }],
            },
          },
        },
      },
    });
  });

  it("is suspended only if the settings say so", () => {
    const spec = (suspend: boolean) => cronJobSpec({ ...settingsOf({ suspend }), serviceAccountName: "s" });
    assert.equal(spec(true).suspend, true);
    assert.ok(!("suspend" in spec(false)));
  });

  it("has what strict clusters ask for, if they do", () => {
    const strict = {
      timeZone: "Europe/Berlin",
      imagePullSecrets: "registry-a,registry.b",
      cronJobPodLabels: "team=auth",
      cronJobPodAnnotations: "sidecar.istio.io/inject=false",
    };
    const { timeZone, jobTemplate } = cronJobSpec({
      ...settingsOf(strict),
      serviceAccountName: "x",
    }) as V1CronJobSpec;
    const { metadata, spec } = jobTemplate.spec!.template;
    assert.deepEqual(
      { timeZone, metadata, imagePullSecrets: spec!.imagePullSecrets },
      {
        timeZone: "Europe/Berlin",
        metadata: { labels: { ...labels, team: "auth" }, annotations: { "sidecar.istio.io/inject": "false" } },
        imagePullSecrets: [{ name: "registry-a" }, { name: "registry.b" }],
      },
    );
    assert.deepEqual(jobTemplate.metadata, { labels });
  });

  it("leaves its user to a cluster that assigns the outposts' users", () => {
    const spec = cronJobSpec({ ...settingsOf({ runAsUser: "cluster" }), serviceAccountName: "x" }) as V1CronJobSpec;
    assert.deepEqual(spec.jobTemplate.spec!.template.spec!.securityContext, {
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
  });

  it("grants what exec takes and no more", () => {
    assert.deepEqual(execRules(["zulu", "alpha"]), [
      { apiGroups: ["apps"], resources: ["deployments"], resourceNames: ["alpha", "zulu"], verbs: ["get"] },
      { apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] },
      { apiGroups: [""], resources: ["pods/exec"], verbs: ["create", "get"] },
    ]);
  });
});
