/**
 * Starts the stand-ins for the provider plugins of this project and tells how an engine finds them. They run in this
 * process, on free loopback ports, until stopped.
 */
import { CommandStandIn } from "./command";
import { KubernetesStandIn } from "./kubernetes/provider";
import { serveProvider } from "./server";

export interface StandIns {
  /** For the environment of the Pulumi CLI. */
  readonly env: Record<string, string>;
  stop(): Promise<void>;
}

/**
 * @param versions of the plugins they stand in for
 * @param kubeconfig path of the kubeconfig for stacks whose provider settings name none
 */
export async function startStandIns(
  versions: { readonly kubernetes: string; readonly command: string },
  kubeconfig: string,
): Promise<StandIns> {
  const kubernetes = await serveProvider(versions.kubernetes, (log) => new KubernetesStandIn(log, kubeconfig));
  const command = await serveProvider(versions.command, (log) => new CommandStandIn(log));
  return {
    env: {
      PULUMI_DEBUG_PROVIDERS: `kubernetes:${kubernetes.port},command:${command.port}`,
      // The engine attaches, but would first try to download the plugins that a stack's state names: 2.5 s a run.
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    },
    stop: async () => {
      await Promise.all([kubernetes.stop(), command.stop()]);
    },
  };
}
