/**
 * Stand-in for the Kubernetes provider, for machines where its plugin cannot be installed. What it does for any kind
 * of object is what the provider does in its server-side apply mode: read, apply, dry-run previews, delete, release
 * of the fields of a *Patch. What it does not: wait for rollouts, retry, client-side apply, charts, YAML, invokes.
 */
import { containsUnknown, reveal, secret, withSecretsOf, type Properties } from "../properties";
import { NotInitialized, type Diff, type Log, type Provider, type ReadRequest } from "../server";
import { ApiError, UnknownKind } from "./apiServer";
import { ClusterUnreachable, connect, type Connection } from "./connection";
import { diffObjects } from "./diff";
import * as objects from "./objects";
import { adoption } from "./ownership";

const conflictHelp =
  "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources";

export class KubernetesStandIn implements Provider {
  #connection: Connection | ClusterUnreachable = new ClusterUnreachable("the provider is not configured");
  #mutableKinds: ReadonlySet<string> = new Set();

  constructor(
    private readonly log: Log,
    private readonly defaultKubeconfig: string,
  ) {}

  async configure(config: Properties): Promise<void> {
    const settings = reveal(config);
    const enabled = { ConfigMap: settings.enableConfigMapMutable, Secret: settings.enableSecretMutable };
    this.#mutableKinds = new Set(
      Object.entries(enabled).flatMap(([kind, on]) => (on === true || on === "true" ? [kind] : [])),
    );
    try {
      this.#connection = await connect(settings, this.defaultKubeconfig);
    } catch (error) {
      if (!(error instanceof ClusterUnreachable)) throw error;
      this.#connection = error;
    }
  }

  async check(request: Parameters<Provider["check"]>[0]): Promise<Properties> {
    const olds = reveal(request.olds);
    let inputs = objects.normalized(reveal(request.news));
    if (!objects.nameOf(inputs)) {
      if (objects.isPatch(request.urn)) {
        throw new Error("patch resources require the resource `.metadata.name` to be set");
      }
      const named = objects.isAutonamed(olds) && objects.nameOf(olds);
      inputs = named ? objects.withName(inputs, named) : objects.autonamed(inputs, request.name, request.seed);
    }
    const connection = this.#connection;
    if (!(connection instanceof Error) && connection.namespace && !objects.namespaceOf(inputs)) {
      const namespaced = await connection.api.isNamespaced(inputs).catch(() => true);
      if (namespaced) inputs = objects.withNamespace(inputs, connection.namespace);
    }
    return withSecrets(inputs, request.news);
  }

  async diff({ urn, state, news, ignored }: Parameters<Provider["diff"]>[0]): Promise<Diff> {
    const { inputs: oldInputs, live } = parseState(state);
    let next = objects.normalized(reveal(news));
    let old = objects.pruned(live, objects.normalized(oldInputs));
    if (!objects.namespaceOf(next) && (await this.#isNamespaced(next))) {
      next = objects.withNamespace(next, "default");
      old = objects.withNamespace(old, objects.namespaceOf(live) || "default");
    } else if (objects.namespaceOf(next)) {
      old = objects.withNamespace(old, objects.namespaceOf(live));
    }
    return diffObjects(old, next, { patch: objects.isPatch(urn), mutableKinds: this.#mutableKinds, ignored });
  }

  async create({
    urn,
    inputs,
    preview,
  }: Parameters<Provider["create"]>[0]): Promise<{ id: string; state: Properties }> {
    const object = reveal(inputs);
    if (preview && !(await this.#canPreview(object, objects.isPatch(urn)))) return { id: "", state: inputs };
    const { api } = this.#reachable();
    const fieldManager = objects.fieldManager(object, {});
    // A preview forces, since what is there now may be gone by then: the object of a replacement.
    const force = preview || objects.isAnnotated(object, "pulumi.com/patchForce");
    try {
      const live = await api.apply(object, { fieldManager, force, dryRun: preview });
      if (preview) delete live.status;
      return { id: preview ? "" : objects.idOf(live), state: stateOf(inputs, object, live, fieldManager) };
    } catch (error) {
      if (preview && error instanceof ApiError && cannotDryRun(error)) return { id: "", state: inputs };
      throw new Error(creationFailure(urn, object, fieldManager, error), { cause: error });
    }
  }

  async read({ urn, id, state, inputs }: ReadRequest): Promise<Awaited<ReturnType<Provider["read"]>>> {
    const { api } = await this.#readable(urn);
    const known = Object.keys(inputs).length > 0;
    const oldInputs = known ? objects.normalized(reveal(inputs)) : objects.objectTypeOf(urn);
    const { apiVersion = "", kind = "" } = oldInputs as Properties;
    const { namespace, name } = objects.parseId(id);
    try {
      const live = await api.get({ apiVersion, kind, metadata: { namespace, name } });
      const shape = known ? oldInputs : inputsOf(live);
      const liveInputs = objects.pruned(live, shape);
      const fieldManager = objects.fieldManager(oldInputs, state);
      return { id, state: stateOf(inputs, liveInputs, live, fieldManager), inputs: withSecrets(liveInputs, inputs) };
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  async update({ urn, state, news, preview }: Parameters<Provider["update"]>[0]): Promise<Properties> {
    const object = objects.normalized(reveal(news));
    if (preview && !(await this.#canPreview(object, false))) return news;
    const { api } = this.#reachable();
    const { inputs: oldInputs } = parseState(state);
    const [before, fieldManager] = [objects.fieldManager(oldInputs, state), objects.fieldManager(object, state)];
    const force = objects.isAnnotated(object, "pulumi.com/patchForce");
    try {
      // Apply would make a missing object anew; an update is of one that is there.
      const current = await api.get(object);
      const adopt = preview || objects.isPatch(urn) ? undefined : adoption(current, fieldManager);
      if (adopt) await api.patch(object, adopt);
      const live = await api.apply(object, { fieldManager, force, dryRun: preview });
      if (!preview && before !== fieldManager) await this.#release(object, before);
      return stateOf(news, object, live, fieldManager);
    } catch (error) {
      if (preview && error instanceof ApiError && error.code === 403) return news;
      const live = await api.get(object).catch((getError: Error) => {
        const reason = describe(error, fieldManager);
        throw new Error(
          `update of resource "${urn}" failed: ${reason}\nunable to get cluster state: ${getError.message}`,
        );
      });
      const reason = describe(error, fieldManager);
      const message = `the Kubernetes API server reported that "${objects.idOf(live)}" failed to fully initialize or become live: ${reason}`;
      throw new NotInitialized(message, objects.idOf(live), stateOf(news, object, live, fieldManager));
    }
  }

  async delete({ urn, state }: Parameters<Provider["delete"]>[0]): Promise<void> {
    const { api } = this.#reachable();
    const { inputs, live } = parseState(state);
    try {
      if (objects.isPatch(urn)) await this.#release(live, objects.fieldManager(inputs, state));
      else await api.delete(live);
    } catch (error) {
      const required = error instanceof ApiError ? error.fieldRefusedFor("FieldValueRequired") : undefined;
      if (objects.isPatch(urn) && required) {
        throw new Error(
          "this Patch resource is currently managing a required field, so it can't be deleted directly. Either set the " +
            `\`retainOnDelete\` resource option, or transfer ownership of the field before deleting: ${required}`,
          { cause: error },
        );
      }
      if (!isGone(error)) throw error;
    }
  }

  /** Gives up every field of the manager: those that nobody else manages go back to their default or away. */
  async #release(object: Properties, fieldManager: string): Promise<void> {
    const { api } = this.#reachable();
    const { apiVersion = "", kind = "" } = object;
    const identity = { namespace: objects.namespaceOf(object), name: objects.nameOf(object) };
    await api.apply({ apiVersion, kind, metadata: identity }, { fieldManager, force: false, dryRun: false });
  }

  async #canPreview(object: Properties, patchCreation: boolean): Promise<boolean> {
    // The provider does not dry-run the creation of a *Patch either: its conflicts show on the update.
    if (patchCreation || containsUnknown(object) || this.#connection instanceof Error) return false;
    return this.#connection.api.knows(object);
  }

  async #isNamespaced(object: Properties): Promise<boolean> {
    return this.#connection instanceof Error ? true : this.#connection.api.isNamespaced(object).catch(() => true);
  }

  #reachable(): Connection {
    if (this.#connection instanceof Error) throw this.#connection;
    return this.#connection;
  }

  async #readable(urn: string): Promise<Connection> {
    if (!(this.#connection instanceof Error)) return this.#connection;
    await this.log("warning", urn, this.#connection.message);
    throw new Error(
      "failed to read resource state due to unreachable cluster. If the cluster was deleted, you can remove this resource " +
        'from Pulumi state by rerunning the operation with the PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"',
    );
  }
}

/** The state of a resource: the live object, and beside it what it was made from. */
function stateOf(secrets: Properties, inputs: Properties, live: Properties, fieldManager: string): Properties {
  const own = { __initialApiVersion: live.apiVersion ?? "", __fieldManager: fieldManager };
  return { ...withSecrets(live, secrets), __inputs: withSecrets(inputs, secrets), ...own };
}

function parseState(state: Properties): { inputs: Properties; live: Properties } {
  const { __inputs: inputs, ...live } = reveal(state);
  return { inputs: (inputs ?? {}) as Properties, live };
}

/** Secret wherever the program's inputs are; the data of a Secret always. */
function withSecrets(object: Properties, inputs: Properties): Properties {
  if (object.kind !== "Secret") return withSecretsOf(object, inputs);
  const marked = Object.entries(object).map(([key, value]) =>
    key === "data" || key === "stringData" ? [key, secret(value)] : [key, value],
  );
  return Object.fromEntries(marked) as Properties;
}

/** What a program would have written to get this live object: all of it but the status and the server's own fields. */
function inputsOf(live: Properties): Properties {
  const object = objects.normalized(live);
  delete object.status;
  return object;
}

function isGone(error: unknown): boolean {
  return error instanceof UnknownKind || (error instanceof ApiError && error.code === 404);
}

/** A dry run that failed for what the preview itself will have put right, or for want of permission to try. */
function cannotDryRun(error: ApiError): boolean {
  return error.code === 403 || (error.code === 404 && /^namespaces ".*" not found$/.test(error.message));
}

function describe(error: unknown, fieldManager: string): string {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof ApiError) || error.code !== 409) return message;
  return (
    `server-side apply field conflict detected. See ${conflictHelp} for troubleshooting help.\n` +
    `The resource managed by field manager "${fieldManager}" had an apply conflict: ${message}`
  );
}

function creationFailure(urn: string, object: Properties, fieldManager: string, error: unknown): string {
  if (error instanceof UnknownKind) {
    const type = `${objects.text(object.apiVersion)}/${objects.text(object.kind)}`;
    return (
      `creation of resource "${urn}" with kind ${type} failed because the Kubernetes API server reported that the ` +
      `apiVersion for this resource does not exist. Verify that any required CRDs have been created: ${error.message}`
    );
  }
  const reason = describe(error, fieldManager);
  return `resource "${urn}" was not successfully created by the Kubernetes API server: ${reason}`;
}
