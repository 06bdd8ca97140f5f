import { spawn, type SpawnOptions } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Cluster, KubeConfig, User } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { printable } from "./printable";

interface Credential {
  status: { expirationTimestamp?: string };
}

/** The client's authenticator that runs plugins. Its types hide the last two. */
interface PluginRunner {
  isAuthProvider: (user: User) => boolean;
  getCredential: (user: User) => Promise<Credential | null>;
  execFn: typeof start;
}

/** Time for which a plugin is left to work in silence, in milliseconds. */
const silentMilliseconds = 2_000;

/** Time for which credentials are kept that do not say when they expire, in milliseconds. */
const keptMilliseconds = 60_000;

/**
 * Has requests share one run of the kubeconfig's credential plugin (`exec`), as those of kubectl do. The client would run it for
 * each request until the first run ended, and for every request if its credentials do not say when they expire.
 * @returns a function that gets the credentials, before a request that needs them
 */
export function sharePlugin(kubeConfig: KubeConfig): () => Promise<void> {
  const { authenticators } = kubeConfig as unknown as { authenticators: object[] };
  const runner = authenticators.find((each): each is PluginRunner => "getCredential" in each)!;
  const run = runner.getCredential.bind(runner);
  let running: Promise<Credential | null> | undefined;
  const runOnce = async (user: User) => {
    try {
      const credential = await run(user);
      // The client keeps this very object until then.
      if (credential) credential.status.expirationTimestamp ??= new Date(Date.now() + keptMilliseconds).toISOString();
      return credential;
    } finally {
      running = undefined;
    }
  };
  const user = kubeConfig.getCurrentUser();
  runner.execFn = (command, args, options) => {
    const info = JSON.stringify(execInfo(user, kubeConfig.getCurrentCluster()));
    return start(command, args, { ...options, env: { ...(options.env ?? process.env), KUBERNETES_EXEC_INFO: info } });
  };
  runner.getCredential = (user) => (running ??= runOnce(user));
  return async () => {
    if (user && runner.isAuthProvider(user)) await runner.getCredential(user);
  };
}

/** The part of a kubeconfig's `exec` that says what its plugin is told. */
interface PluginConfig {
  apiVersion?: string;
  provideClusterInfo?: boolean;
}

/**
 * Returns what kubectl tells a plugin in KUBERNETES_EXEC_INFO. Some plugins do not work without it, and others print their
 * credentials in an old format. The client tells them nothing.
 */
function execInfo(user: User | null, cluster: Cluster | null) {
  const { apiVersion, provideClusterInfo } = (user?.exec ?? {}) as PluginConfig;
  const about = provideClusterInfo && cluster ? { cluster: clusterInfo(cluster) } : {};
  return { kind: "ExecCredential", apiVersion, spec: { interactive: isTerminal(), ...about } };
}

const clusterInfo = ({ server, tlsServerName, skipTLSVerify, caData, caFile, proxyUrl }: Cluster) => ({
  server,
  "tls-server-name": tlsServerName,
  "insecure-skip-tls-verify": skipTLSVerify,
  "certificate-authority-data": caData ?? (caFile && readFileSync(caFile, "base64")),
  "proxy-url": proxyUrl,
});

/** Tells whether somebody can log in. */
export const isTerminal = (): boolean => Boolean(process.stdin.isTTY && process.stderr.isTTY);

/** Starts a plugin. One that takes long may ask for a login, so from then on what it says is shown on a terminal. */
function start(command: string, args: string[] | undefined, options: SpawnOptions) {
  const stdin = isTerminal() ? "inherit" : "ignore";
  const plugin = spawn(command, args ?? [], { ...options, stdio: [stdin, "pipe", "pipe"] });
  let unseen: string[] | undefined = [];
  plugin.stderr.on("data", (text: string) => (unseen ? unseen.push(text) : process.stderr.write(printable(text))));
  const showing = setTimeout(() => {
    if (!isTerminal()) return;
    process.stderr.write(printable((unseen ?? []).join("")));
    unseen = undefined;
  }, silentMilliseconds);
  return plugin.on("close", () => clearTimeout(showing));
}
