// The control plane of a sandbox: etcd, kube-apiserver, kube-controller-manager, kube-scheduler. It listens on a single TCP port
// on loopback. etcd would let in anyone on this machine, so it uses Unix sockets in a private folder. The others serve nothing.
import { join } from "node:path";
import type { KubeletCertificates } from "../node/certificates";
import type { Ground } from "../node/podNode";
import { ProcessDied, type Processes } from "../processes";
import { waitUntil } from "../waitUntil";
import { createCredentials, type Credentials, type User } from "./credentials";
import { writeKubeconfig } from "./kubeconfig";
import { readyz } from "./readyz";
import { SERVICES } from "./services";

export const CONTROL_PLANE_TOOLS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] as const;
export type ControlPlaneTools = Record<(typeof CONTROL_PLANE_TOOLS)[number], string>;

// etcd insists on a port even in a Unix socket's URL, and makes it part of the file's name. The path is relative, since a
// socket's path has a limit of 108 bytes.
const ETCD_CLIENTS = "unix://etcd-clients.sock:0";
const ETCD_PEERS = "unix://etcd-peers.sock:0";
const LOOPBACK = "127.0.0.1";
/** Port within a machine of its own, where every port is free. */
const MACHINE_PORT = 6443;
const READY_TIMEOUT_MS = 90_000;

export interface ControlPlaneOptions {
  tools: ControlPlaneTools;
  processes: Processes;
  /** Existing folder that only the caller may enter. */
  stateDir: string;
  logDir: string;
  /** The machine that it shares with a node that runs pods. By default it runs on this machine, beside a played node. */
  ground?: Ground;
  /** More flags of the API server. */
  apiServerFlags?: string[];
}

export interface ControlPlane {
  server: string;
  credentials: Credentials;
}

/** Address of the API server, and its arguments for the node. */
interface Site {
  host: string;
  port: number;
  nodeArguments: string[];
}

/**
 * Starts the control plane on a free port. Resolves when the API server is ready and the controllers have been started.
 * {@link isPortTaken} tells whether an error is worth another try. The caller has to stop what was started.
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
  await start("kube-apiserver", [...apiServerArguments(site, credentials), ...(options.apiServerFlags ?? [])]);
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

/** Tells whether a start failed because another process bound the port just before we did. */
export function isPortTaken(error: unknown): boolean {
  return error instanceof ProcessDied && error.log.includes("address already in use");
}

async function siteOf({ ground }: ControlPlaneOptions): Promise<Site> {
  if (ground) {
    const nodeArguments = kubeletArguments(ground.kubelet);
    return { host: ground.machine.address, port: MACHINE_PORT, nodeArguments };
  }
  const { default: getPort } = await import("get-port");
  // A loopback address can't be an endpoint, and no pod runs here that would look for one.
  const nodeArguments = ["--endpoint-reconciler-type=none"];
  return { host: LOOPBACK, port: await getPort({ host: LOOPBACK }), nodeArguments };
}

/** Returns arguments by which both sides of the API server's calls to the kubelet (exec, logs) authenticate. */
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
    // It signs a certificate for itself with a CA made only for that, and leaves both here.
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
    "--flex-volume-plugin-dir=flexvolumes", // by default it creates a folder in /usr/libexec
  ];
}

function schedulerArguments(kubeconfig: string): string[] {
  return [`--kubeconfig=${kubeconfig}`, "--leader-elect=false", "--secure-port=0"];
}
