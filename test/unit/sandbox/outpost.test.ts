import assert from "node:assert/strict";
import {
  outpostObjectName,
  referenceDeployment,
  referenceSecret,
  referenceService,
} from "../../../sandbox/outpost/reference";

const UUID = "40b8db49d07c687c324f7ff03ecba486";
const labels = {
  "app.kubernetes.io/instance": "my-outpost",
  "app.kubernetes.io/managed-by": "goauthentik.io",
  "app.kubernetes.io/name": "authentik-proxy",
  "app.kubernetes.io/version": "2026.5.0",
  "goauthentik.io/outpost-name": "my-outpost",
  "goauthentik.io/outpost-type": "proxy",
  "goauthentik.io/outpost-uuid": UUID,
};
const selector = {
  "app.kubernetes.io/managed-by": "goauthentik.io",
  "app.kubernetes.io/name": "authentik-outpost-proxy",
  "goauthentik.io/outpost-name": "my-outpost",
  "goauthentik.io/outpost-type": "proxy",
  "goauthentik.io/outpost-uuid": UUID,
};
const metadata = { name: "ak-outpost-my-outpost", namespace: "auth", labels };
const spec = { namespace: "auth", name: "My Outpost" };
const fromSecret = (name: string, key: string) => ({
  name,
  valueFrom: { secretKeyRef: { name: "ak-outpost-my-outpost", key } },
});

describe("authentik's reference objects", () => {
  it("Deployment", () => {
    assert.deepEqual(referenceDeployment(spec), {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        replicas: 1,
        selector: { matchLabels: selector },
        template: {
          metadata: {
            labels: {
              ...selector,
              "app.kubernetes.io/version": "2026.5.0",
              app: "authentik-outpost",
              version: "2026.5.0",
            },
          },
          spec: {
            imagePullSecrets: [],
            securityContext: { seccompProfile: { type: "RuntimeDefault" } },
            containers: [
              {
                name: "proxy",
                image: "ghcr.io/goauthentik/proxy:2026.5.0",
                ports: [
                  { containerPort: 9000, name: "http", protocol: "TCP" },
                  { containerPort: 9300, name: "http-metrics", protocol: "TCP" },
                  { containerPort: 9443, name: "https", protocol: "TCP" },
                ],
                env: [
                  fromSecret("AUTHENTIK_HOST", "authentik_host"),
                  fromSecret("AUTHENTIK_HOST_BROWSER", "authentik_host_browser"),
                  fromSecret("AUTHENTIK_TOKEN", "token"),
                  fromSecret("AUTHENTIK_INSECURE", "authentik_host_insecure"),
                ],
                securityContext: {
                  runAsNonRoot: true,
                  allowPrivilegeEscalation: false,
                  capabilities: { drop: ["ALL"] },
                },
              },
            ],
          },
        },
      },
    });
  });

  it("Service", () => {
    assert.deepEqual(referenceService(spec), {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: {
        ports: [
          { name: "http", port: 9000, protocol: "TCP", targetPort: 9000 },
          { name: "http-metrics", port: 9300, protocol: "TCP", targetPort: 9300 },
          { name: "https", port: 9443, protocol: "TCP", targetPort: 9443 },
        ],
        selector,
        type: "ClusterIP",
      },
    });
  });

  it("Secret, its values in base64", () => {
    assert.deepEqual(referenceSecret(spec), {
      apiVersion: "v1",
      kind: "Secret",
      metadata,
      data: {
        authentik_host: "aHR0cHM6Ly9hdXRoZW50aWsuc2FuZGJveC5pbnZhbGlk",
        authentik_host_browser: "",
        authentik_host_insecure: "RmFsc2U=",
        token: "bm8tYXV0aGVudGlrLWJlaGluZC10aGlzLXNhbmRib3g=",
      },
    });
  });

  it("replicas, image and memory limit as asked", () => {
    const deployment = referenceDeployment({
      ...spec,
      replicas: 3,
      image: "example.org/proxy:1",
      memoryLimit: "128Mi",
    });
    const [container] = deployment.spec!.template.spec!.containers;
    assert.equal(deployment.spec!.replicas, 3);
    assert.equal(container.image, "example.org/proxy:1");
    assert.deepEqual(container.resources, { limits: { memory: "128Mi" } });
  });

  it("keep their uuid when made anew, and share it with no other outpost", () => {
    const uuid = (namespace: string, name: string) =>
      referenceDeployment({ namespace, name }).metadata!.labels!["goauthentik.io/outpost-uuid"];
    assert.equal(uuid("auth", "My Outpost"), uuid("auth", "My Outpost"));
    assert.equal(new Set([uuid("auth", "a"), uuid("auth", "b"), uuid("other", "a")]).size, 3);
  });

  it("are named after the slug of the outpost's name", () => {
    assert.equal(outpostObjectName({ name: "Überall & Nirgends" }), "ak-outpost-uberall-nirgends");
  });
});
