// The control plane of a sandbox: etcd, kube-apiserver, kube-controller-manager, kube-scheduler. It listens on a single TCP port
// on loopback. etcd would let in anyone on this machine, so it uses Unix sockets in a private folder. The others serve nothing.
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import type { KubeletCertificates } from "../node/certificates";
import type { Site } from "../node/machine";
import type { Ground } from "../node/podNode";
import { ProcessDied } from "../processes";
import { waitUntil } from "../waitUntil";
import { createCredentials, SERVICES, writeKubeconfig, type Credentials, type User } from "./credentials";

export const CONTROL_PLANE_TOOLS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] as const;
type ControlPlaneTools = Record<(typeof CONTROL_PLANE_TOOLS)[number], string>;

// etcd insists on a port even in a Unix socket's URL, and makes it part of the file's name. The path is relative, since a
// socket's path has a limit of 108 bytes.
const ETCD_CLIENTS = "unix://etcd-clients.sock:0";
const ETCD_PEERS = "unix://etcd-peers.sock:0";
const LOOPBACK = "127.0.0.1";
/** Port within a machine of its own, where every port is free. */
const MACHINE_PORT = 6443;
const READY_TIMEOUT_MS = 90_000;
/** Longest wait for one answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 5_000;

export interface ControlPlaneOptions extends Site {
  tools: ControlPlaneTools;
  /** File for the administrator's kubeconfig. */
  kubeconfig: string;
  /** The machine that it shares with a node that runs pods. By default it runs on this machine, beside a played node. */
  ground?: Ground;
  /** More flags of the API server. */
  apiServerFlags?: string[];
}

export interface ControlPlane {
  /** URL of the API server. */
  server: string;
  /** Writes a kubeconfig for this user, and returns its path. */
  kubeconfigOf: (user: User) => string;
}

/** Address of the API server, and its arguments for the node. */
interface Endpoint {
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

  const endpoint = await endpointOf(options);
  const server = `https://${endpoint.host}:${endpoint.port}`;
  await start("etcd", etcdArguments());
  await start("kube-apiserver", [...apiServerArguments(endpoint, credentials), ...(options.apiServerFlags ?? [])]);
  await waitUntil(() => readyz(server, credentials.tokens.admin, credentials.caFile), {
    what: "kube-apiserver to be ready",
    timeoutMs: READY_TIMEOUT_MS,
    signal: processes.death,
  });

  const kubeconfigOf = (user: User, file = join(stateDir, "credentials", `${user}.kubeconfig`)) => {
    writeKubeconfig(file, { server, caFile: credentials.caFile, token: credentials.tokens[user] });
    return file;
  };
  kubeconfigOf("admin", options.kubeconfig);
  await start("kube-controller-manager", controllerManagerArguments(kubeconfigOf("controllerManager"), credentials));
  await start("kube-scheduler", schedulerArguments(kubeconfigOf("scheduler")));
  return { server, kubeconfigOf };
}

/**
 * Asks the API server whether it is ready, before there is a kubeconfig. Rejects if it does not answer, or if its certificate is
 * not signed by the CA.
 */
async function readyz(server: string, token: string, caFile: string): Promise<boolean> {
  const ca = readFileSync(caFile);
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const question = request(
      `${server}/readyz`,
      { ca, headers, agent: false, timeout: ANSWER_TIMEOUT_MS },
      (response) => {
        response.resume();
        response.once("end", () => resolve(response.statusCode === 200));
      },
    );
    question.once("timeout", () => question.destroy(new Error(`no answer in ${ANSWER_TIMEOUT_MS / 1000} s`)));
    question.once("error", reject);
    question.end();
  });
}

/** Tells whether a start failed because another process bound the port just before we did. */
export function isPortTaken(error: unknown): boolean {
  return error instanceof ProcessDied && error.log.includes("address already in use");
}

async function endpointOf({ ground }: ControlPlaneOptions): Promise<Endpoint> {
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

function apiServerArguments({ host, port, nodeArguments }: Endpoint, credentials: Credentials): string[] {
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
