// authentik's requests to the API server: under its field manager, updates as strategic merge patches.
import type { AppsV1Api, CoreV1Api, V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
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
  private constructor(
    private readonly apps: AppsV1Api,
    private readonly core: CoreV1Api,
  ) {}

  static async connect(kubeconfig: string): Promise<KubernetesObjects> {
    const { AppsV1Api, CoreV1Api, KubeConfig } = await import("@kubernetes/client-node");
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    return new KubernetesObjects(config.makeApiClient(AppsV1Api), config.makeApiClient(CoreV1Api));
  }

  /** Creates the namespace if missing. Since authentik runs in it, it has to exist. */
  async ensureNamespace(name: string): Promise<void> {
    await unlessStatus(409, this.core.createNamespace({ body: { metadata: { name } } }));
  }

  /** Creates the Secret if missing. Unlike authentik, the stand-in never changes one. */
  async ensureSecret(spec: OutpostSpec): Promise<void> {
    const { namespace } = spec;
    await unlessStatus(409, this.core.createNamespacedSecret({ namespace, fieldManager, body: referenceSecret(spec) }));
  }

  /** Creates the Service if missing; see {@link ensureSecret}. */
  async ensureService(spec: OutpostSpec): Promise<void> {
    const { namespace } = spec;
    await unlessStatus(
      409,
      this.core.createNamespacedService({ namespace, fieldManager, body: referenceService(spec) }),
    );
  }

  /** Reads the Deployment as plain JSON; undefined if there is none. */
  async readDeployment(namespace: string, name: string): Promise<V1Deployment | undefined> {
    const live = await unlessStatus(404, this.apps.readNamespacedDeployment({ namespace, name }));
    return live && (JSON.parse(JSON.stringify(live)) as V1Deployment);
  }

  async createDeployment(namespace: string, body: V1Deployment): Promise<void> {
    await unlessStatus(undefined, this.apps.createNamespacedDeployment({ namespace, fieldManager, body }));
  }

  async patchDeployment(namespace: string, name: string, body: V1Deployment): Promise<void> {
    const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
    const strategicMerge = setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch);
    const target = { namespace, name, fieldManager, body };
    await unlessStatus(undefined, this.apps.patchNamespacedDeployment(target, strategicMerge));
  }

  async deleteDeployment(namespace: string, name: string): Promise<void> {
    await unlessStatus(undefined, this.apps.deleteNamespacedDeployment({ namespace, name }));
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
