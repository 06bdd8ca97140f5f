// The control plane of a sandbox: etcd, kube-apiserver, kube-controller-manager, kube-scheduler. One TCP port on loopback is all
// that listens: etcd, which would let anybody on this machine in, is on Unix sockets in a folder of the owner's, and the others serve nothing.
import { join } from "node:path";
import type { KubeletCertificates } from "../node/certificates";
import { SERVICES } from "./services";
import type { Ground } from "../node/podNode";
import { ProcessDied, type Processes } from "../processes";
import { waitUntil } from "../waitUntil";
import { createCredentials, type Credentials, type User } from "./credentials";
import { writeKubeconfig } from "./kubeconfig";
import { readyz } from "./readyz";

export const CONTROL_PLANE_TOOLS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] as const;
export type ControlPlaneTools = Record<(typeof CONTROL_PLANE_TOOLS)[number], string>;

// etcd insists on a port even in a Unix socket's URL; it becomes part of the file's name. Relative, for a socket's path has a limit of 108 bytes.
const ETCD_CLIENTS = "unix://etcd-clients.sock:0";
const ETCD_PEERS = "unix://etcd-peers.sock:0";
const LOOPBACK = "127.0.0.1";
/** On a machine within this one every port is free. */
const MACHINE_PORT = 6443;
const READY_TIMEOUT_MS = 90_000;

export interface ControlPlaneOptions {
  tools: ControlPlaneTools;
  processes: Processes;
  /** Existing folder of the caller's own, which nobody else may enter. */
  stateDir: string;
  logDir: string;
  /** Where it runs together with a node that runs pods; default: on this machine, beside a node that is played. */
  ground?: Ground;
}

export interface ControlPlane {
  server: string;
  credentials: Credentials;
}

/** Where the API server listens, and what it needs to know of the node. */
interface Site {
  host: string;
  port: number;
  nodeArguments: string[];
}

/**
 * Starts it on a free port. Resolves when the API server is ready and the controllers have been started; {@link isPortTaken} tells
 * whether an error is worth another try. What was started is the caller's to stop.
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { tools, processes, stateDir, logDir } = options;
  const credentials = createCredentials(join(stateDir, "credentials"));
  const start = (tool: keyof ControlPlaneTools, args: string[]) => {
    const spec = { name: tool, command: tools[tool], args, cwd: stateDir, logFile: join(logDir, `${tool}.log`) };
    return options.ground ? options.ground.machine.start(spec, "shared") : processes.start(spec);
  };

  const site = await siteOf(options);
  const server = `https://${site.host}:${site.port}`;
  await start("etcd", etcdArguments());
  await start("kube-apiserver", apiServerArguments(site, credentials));
  await waitUntil(() => readyz(server, credentials.tokens.admin, credentials.caFile), {
    what: "kube-apiserver to be ready",
    timeoutMs: READY_TIMEOUT_MS,
    signal: processes.death,
  });

  const kubeconfigOf = (user: User) => {
    const file = join(stateDir, "credentials", `${user}.kubeconfig`);
    writeKubeconfig(file, { server, caFile: credentials.caFile, token: credentials.tokens[user] });
    return file;
  };
  await start("kube-controller-manager", controllerManagerArguments(kubeconfigOf("controllerManager"), credentials));
  await start("kube-scheduler", schedulerArguments(kubeconfigOf("scheduler")));
  return { server, credentials };
}

/** Whether a start failed because somebody else bound the port in the moment before we did. */
export function isPortTaken(error: unknown): boolean {
  return error instanceof ProcessDied && error.log.includes("address already in use");
}

async function siteOf({ ground }: ControlPlaneOptions): Promise<Site> {
  if (ground) {
    const nodeArguments = kubeletArguments(ground.kubelet);
    return { host: ground.machine.address, port: MACHINE_PORT, nodeArguments };
  }
  const { default: getPort } = await import("get-port");
  // A loopback address can't be an endpoint; no pod runs here that would look for one.
  const nodeArguments = ["--endpoint-reconciler-type=none"];
  return { host: LOOPBACK, port: await getPort({ host: LOOPBACK }), nodeArguments };
}

/** Both sides of the API server's calls to the kubelet (exec, logs) prove who they are. */
function kubeletArguments({ client, server }: KubeletCertificates): string[] {
  return [
    `--kubelet-client-certificate=${client.certificate}`,
    `--kubelet-client-key=${client.key}`,
    `--kubelet-certificate-authority=${server.certificate}`,
    "--kubelet-preferred-address-types=InternalIP",
  ];
}

function etcdArguments(): string[] {
  return [
    "--name=sandbox",
    "--data-dir=etcd",
    `--listen-client-urls=${ETCD_CLIENTS}`,
    `--advertise-client-urls=${ETCD_CLIENTS}`,
    `--listen-peer-urls=${ETCD_PEERS}`,
    `--initial-advertise-peer-urls=${ETCD_PEERS}`,
    `--initial-cluster=sandbox=${ETCD_PEERS}`,
    "--unsafe-no-fsync", // the data need not survive a power cut
    "--log-level=warn",
  ];
}

function apiServerArguments({ host, port, nodeArguments }: Site, credentials: Credentials): string[] {
  return [
    `--etcd-servers=${ETCD_CLIENTS}`,
    `--bind-address=${host}`,
    `--secure-port=${port}`,
    // It signs a certificate for itself with a CA made for it alone, and leaves both here.
    `--cert-dir=${credentials.certificateDir}`,
    `--token-auth-file=${credentials.tokenFile}`,
    "--anonymous-auth=false",
    "--authorization-mode=Node,RBAC",
    "--allow-privileged=true",
    `--service-cluster-ip-range=${SERVICES.network}`,
    `--advertise-address=${host}`,
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${credentials.serviceAccountKey}`,
    `--service-account-signing-key-file=${credentials.serviceAccountKey}`,
    ...nodeArguments,
  ];
}

function controllerManagerArguments(kubeconfig: string, credentials: Credentials): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    "--use-service-account-credentials",
    `--service-account-private-key-file=${credentials.serviceAccountKey}`,
    `--root-ca-file=${credentials.caFile}`,
    "--leader-elect=false",
    "--secure-port=0",
    "--flex-volume-plugin-dir=flexvolumes", // by default it makes a folder in /usr/libexec
  ];
}

function schedulerArguments(kubeconfig: string): string[] {
  return [`--kubeconfig=${kubeconfig}`, "--leader-elect=false", "--secure-port=0"];
}
