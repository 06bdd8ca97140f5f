// authentik's requests to the API server: under its field manager, updates as strategic merge patches.
import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { clients, type Clients } from "../clients";
import { AUTHENTIK_FIELD_MANAGER } from "../outpost";
import { referenceSecret, referenceService, type OutpostSpec } from "../outpost/reference";

const fieldManager = AUTHENTIK_FIELD_MANAGER;

/** The API server's refusal of a request. */
export class RequestRefused extends Error {
  override readonly name = "RequestRefused";
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export class KubernetesObjects {
  private constructor(private readonly clients: Clients) {}

  static async connect(kubeconfig: string): Promise<KubernetesObjects> {
    return new KubernetesObjects(await clients(kubeconfig));
  }

  /** Creates the namespace if missing. Since authentik runs in it, it has to exist. */
  async ensureNamespace(name: string): Promise<void> {
    await unlessStatus(409, this.clients.core.createNamespace({ body: { metadata: { name } } }));
  }

  /** Creates the Secret if missing. Unlike authentik, the stand-in never changes one. */
  async ensureSecret(spec: OutpostSpec): Promise<void> {
    const { namespace } = spec;
    await unlessStatus(
      409,
      this.clients.core.createNamespacedSecret({ namespace, fieldManager, body: referenceSecret(spec) }),
    );
  }

  /** Creates the Service if missing; see {@link ensureSecret}. */
  async ensureService(spec: OutpostSpec): Promise<void> {
    const { namespace } = spec;
    await unlessStatus(
      409,
      this.clients.core.createNamespacedService({ namespace, fieldManager, body: referenceService(spec) }),
    );
  }

  /** Reads the Deployment as plain JSON; undefined if there is none. */
  async readDeployment(namespace: string, name: string): Promise<V1Deployment | undefined> {
    const live = await unlessStatus(404, this.clients.apps.readNamespacedDeployment({ namespace, name }));
    return live && (JSON.parse(JSON.stringify(live)) as V1Deployment);
  }

  async createDeployment(namespace: string, body: V1Deployment): Promise<void> {
    await unlessStatus(undefined, this.clients.apps.createNamespacedDeployment({ namespace, fieldManager, body }));
  }

  async patchDeployment(namespace: string, name: string, body: V1Deployment): Promise<void> {
    const { apps, strategicMerge } = this.clients;
    const target = { namespace, name, fieldManager, body };
    await unlessStatus(undefined, apps.patchNamespacedDeployment(target, strategicMerge));
  }

  async deleteDeployment(namespace: string, name: string): Promise<void> {
    await unlessStatus(undefined, this.clients.apps.deleteNamespacedDeployment({ namespace, name }));
  }
}

/** Awaits the call. Returns undefined if the API server answers `status`. @throws RequestRefused at its other errors */
async function unlessStatus<T>(status: number | undefined, call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    const { ApiException } = await import("@kubernetes/client-node");
    if (!(error instanceof ApiException)) throw error;
    if (error.code === status) return undefined;
    throw new RequestRefused(error.code, `(${error.code}) ${messageOf(error.body)}`);
  }
}

function messageOf(body: unknown): string {
  try {
    const { message } = JSON.parse(String(body)) as { message?: unknown };
    return String(message);
  } catch {
    return String(body);
  }
}
