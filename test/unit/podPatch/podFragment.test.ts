import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../../sandbox/paths";
import { podFragment } from "../../../podPatch/podFragment";
import { outpostSettings } from "../outposts";

const mounted = { name: "proxy", volumeMounts: [{ name: "dshm", mountPath: "/dev/shm" }] };
const sidecar = {
  name: "shm-cleanup",
  image: "docker.io/library/busybox:1.37",
  command: ["/bin/sh", "-c", readFileSync(join(repositoryRoot, "cleaner", "loader.sh"), "utf8"), "shm-cleanup"],
  env: [
    { name: "SHM_DIR", value: "/dev/shm" },
    { name: "SETTINGS_FILE", value: "/etc/shm-cleanup/settings" },
    { name: "SCRIPTS_DIR", value: "/opt/shm-cleanup" },
    { name: "METRICS_DIR", value: "/run/shm-cleanup" },
  ],
  ports: [{ name: "shm-metrics", containerPort: 9301, protocol: "TCP" }],
  resources: { requests: { cpu: "5m", memory: "16Mi" }, limits: { cpu: "250m", memory: "32Mi" } },
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 1000,
    runAsGroup: 1000,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  },
  volumeMounts: [
    { name: "dshm", mountPath: "/dev/shm" },
    { name: "shm-cleanup-settings", mountPath: "/etc/shm-cleanup", readOnly: true },
    { name: "shm-cleanup-scripts", mountPath: "/opt/shm-cleanup", readOnly: true },
    { name: "shm-cleanup-run", mountPath: "/run/shm-cleanup" },
  ],
};
const volumes = [
  { name: "dshm", emptyDir: { medium: "Memory", sizeLimit: "256Mi" } },
  { name: "shm-cleanup-settings", configMap: { name: "ak-outpost-my-outpost-shm-cleanup", optional: true } },
  { name: "shm-cleanup-run", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
  { name: "shm-cleanup-scripts", configMap: { name: "authentik-outpost-shm-scripts", optional: true } },
];

describe("pod fragment", () => {
  it("mounts the volume in container proxy, and adds a native sidecar", () => {
    assert.deepEqual(podFragment(outpostSettings()), {
      containers: [mounted],
      initContainers: [{ ...sidecar, restartPolicy: "Always" }],
      volumes,
    });
  });

  it("leaves the user to the cluster, and still never runs as root", () => {
    const [{ securityContext }] = podFragment(outpostSettings({ runAsUser: "cluster" })).initContainers;
    const { runAsUser: _uid, runAsGroup: _gid, ...others } = sidecar.securityContext;
    assert.deepEqual(securityContext, others);
  });

  it("follows the size, the image, the user and the Deployment's name", () => {
    const settings = { shmSize: "1Gi", cleanerImage: "busybox:1.36", runAsUser: 2000, deployment: "mine" };
    const securityContext = { ...sidecar.securityContext, runAsUser: 2000, runAsGroup: 2000 };
    assert.deepEqual(podFragment(outpostSettings(settings)), {
      containers: [mounted],
      initContainers: [{ ...sidecar, image: "busybox:1.36", securityContext, restartPolicy: "Always" }],
      volumes: [
        { name: "dshm", emptyDir: { medium: "Memory", sizeLimit: "1Gi" } },
        { name: "shm-cleanup-settings", configMap: { name: "mine-shm-cleanup", optional: true } },
        ...volumes.slice(2),
      ],
    });
  });
});
