import { spawn, type SpawnOptions } from "node:child_process";
import type { KubeConfig, User } from "@kubernetes/client-node" with { "resolution-mode": "import" };

interface Credential {
  status: { expirationTimestamp?: string };
}

/** The client's authenticator that runs plugins. Its types hide these two. */
interface PluginRunner {
  getCredential: (user: User) => Promise<Credential | null>;
  execFn: typeof start;
}

/** Time for which a plugin is left to work in silence, in milliseconds. */
const silentMilliseconds = 2_000;

/**
 * Has requests share one run of the kubeconfig's credential plugin (`exec`), as those of kubectl do. The client would run it for
 * each request until the first run ended, and for every request if its credentials never expire.
 * @returns a function that returns the run that is under way. Undefined if there is none
 */
export function sharePlugin(kubeConfig: KubeConfig): () => Promise<unknown> | undefined {
  const { authenticators } = kubeConfig as unknown as { authenticators: object[] };
  const runner = authenticators.find((each): each is PluginRunner => "getCredential" in each)!;
  const run = runner.getCredential.bind(runner);
  let running: Promise<Credential | null> | undefined;
  const runOnce = async (user: User) => {
    try {
      const credential = await run(user);
      // The client keeps this very object until then.
      if (credential) credential.status.expirationTimestamp ??= "9999-12-31T00:00:00Z";
      return credential;
    } finally {
      running = undefined;
    }
  };
  runner.execFn = start;
  runner.getCredential = (user) => (running ??= runOnce(user));
  return () => running;
}

/** Starts a plugin on our terminal. One that takes long may ask for a login, so from then on what it says is shown. */
function start(command: string, args: string[] | undefined, options: SpawnOptions) {
  const plugin = spawn(command, args ?? [], { ...options, stdio: ["inherit", "pipe", "pipe"] });
  let unseen: string[] | undefined = [];
  plugin.stderr.on("data", (text: string) => (unseen ? unseen.push(text) : process.stderr.write(text)));
  const showing = setTimeout(() => {
    process.stderr.write((unseen ?? []).join(""));
    unseen = undefined;
  }, silentMilliseconds);
  return plugin.on("close", () => clearTimeout(showing));
}
