// The node's Kubernetes programs: kubelet, which runs its pods, and kube-proxy, through which pods reach the API server.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { SANDBOX_NODE, SERVICES } from "../cluster/credentials";
import type { KubeletCertificates } from "./certificates";
import { CONTAINERD_SOCKET, PODS_NETWORK } from "./containerd";
import type { Machine, Site } from "./machine";

interface KubeletOptions extends Site {
  machine: Machine;
  tools: { kubelet: string; "kube-proxy": string };
  certificates: KubeletCertificates;
  /** One kubeconfig for each program's own user. */
  kubeconfigs: { kubelet: string; proxy: string };
}

/** Starts both. The node registers itself. */
export async function startKubelet(options: KubeletOptions): Promise<void> {
  const { machine, tools, kubeconfigs, logDir } = options;
  const dir = join(options.stateDir, "kubelet");
  mkdirSync(dir);
  const start = (name: keyof typeof tools, args: string[]) =>
    machine.start({ name, command: tools[name], args, cwd: "/", logFile: join(logDir, `${name}.log`) }, "own");

  const proxyConfig = writeYaml(join(dir, "kube-proxy.yaml"), proxyConfiguration(kubeconfigs.proxy));
  await start("kube-proxy", [`--config=${proxyConfig}`]);
  const config = writeYaml(join(dir, "kubelet.yaml"), kubeletConfiguration(options));
  await start("kubelet", [
    `--config=${config}`,
    `--kubeconfig=${kubeconfigs.kubelet}`,
    `--hostname-override=${SANDBOX_NODE}`,
    `--node-ip=${machine.address}`,
    `--cert-dir=${join(dir, "certificates")}`,
  ]);
}

function kubeletConfiguration({ machine, certificates }: KubeletOptions): Record<string, unknown> {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: machine.address,
    healthzBindAddress: "127.0.0.1",
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: certificates.client.certificate },
    },
    authorization: { mode: "Webhook" },
    tlsCertFile: certificates.server.certificate,
    tlsPrivateKeyFile: certificates.server.key,
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    cgroupRoot: machine.cgroup,
    cgroupDriver: "cgroupfs", // works without systemd
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [], // nothing else on the machine may be limited
    clusterDNS: [SERVICES.dns],
    clusterDomain: "cluster.local",
    resolvConf: "", // the pods have no way out of the sandbox
    maxPods: 250,
    registerNode: true,
    // Keeps images however full this machine's disk is, since they can't be downloaded again.
    imageGCHighThresholdPercent: 100,
    evictionHard: { "memory.available": "50Mi", "nodefs.available": "0%", "imagefs.available": "0%" },
    serializeImagePulls: false,
  };
}

function proxyConfiguration(kubeconfig: string): Record<string, unknown> {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    clientConnection: { kubeconfig },
    hostnameOverride: SANDBOX_NODE,
    mode: "iptables",
    clusterCIDR: PODS_NETWORK,
    healthzBindAddress: "127.0.0.1:10256",
    metricsBindAddress: "127.0.0.1:10249",
    conntrack: { maxPerCore: 0 }, // a limit of the whole kernel is not ours to change
  };
}

function writeYaml(file: string, content: unknown): string {
  writeFileSync(file, stringify(content));
  return file;
}
