// authentik's requests to the API server: under its field manager, updates as strategic merge patches.
import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { clients, type Clients } from "../clients";
import { AUTHENTIK_FIELD_MANAGER, ensureNamespace, unless } from "../outpost";
import { referenceSecret, referenceService, type OutpostSpec } from "../outpost/reference";

const fieldManager = AUTHENTIK_FIELD_MANAGER;

/** Throws the API server's errors as they are. */
export class KubernetesObjects {
  private constructor(private readonly clients: Clients) {}

  static async connect(kubeconfig: string): Promise<KubernetesObjects> {
    return new KubernetesObjects(await clients(kubeconfig));
  }

  /** Creates the namespace if missing. Since authentik runs in it, it has to exist. */
  ensureNamespace(name: string): Promise<void> {
    return ensureNamespace(this.clients.core, name);
  }

  /** Creates the Secret if missing. Unlike authentik, the stand-in never changes one. */
  async ensureSecret(spec: OutpostSpec): Promise<void> {
    const target = { namespace: spec.namespace, fieldManager, body: referenceSecret(spec) };
    await unless(409, this.clients.core.createNamespacedSecret(target));
  }

  /** Creates the Service if missing; see {@link ensureSecret}. */
  async ensureService(spec: OutpostSpec): Promise<void> {
    const target = { namespace: spec.namespace, fieldManager, body: referenceService(spec) };
    await unless(409, this.clients.core.createNamespacedService(target));
  }

  /** Reads the Deployment as plain JSON; undefined if there is none. */
  async readDeployment(namespace: string, name: string): Promise<V1Deployment | undefined> {
    const live = await unless(404, this.clients.apps.readNamespacedDeployment({ namespace, name }));
    return live && (JSON.parse(JSON.stringify(live)) as V1Deployment);
  }

  async createDeployment(namespace: string, body: V1Deployment): Promise<void> {
    await this.clients.apps.createNamespacedDeployment({ namespace, fieldManager, body });
  }

  /** Sends the patch. Returns false if the API server finds it invalid (422). */
  async patchDeployment(namespace: string, name: string, body: V1Deployment): Promise<boolean> {
    const { apps, strategicMerge } = this.clients;
    const target = { namespace, name, fieldManager, body };
    return (await unless(422, apps.patchNamespacedDeployment(target, strategicMerge))) !== undefined;
  }

  async deleteDeployment(namespace: string, name: string): Promise<void> {
    await this.clients.apps.deleteNamespacedDeployment({ namespace, name });
  }
}
