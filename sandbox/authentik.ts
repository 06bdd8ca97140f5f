// A stand-in of authentik, as far as outposts go: the API for them, and the reconciler that deploys them to Kubernetes. It has
// no Admin UI and no outpost traffic. It deploys only proxy outposts, and keeps only their Deployments up to date.
import { randomBytes } from "node:crypto";
import { KubernetesObjects } from "./authentik/kubernetesObjects";
import { updated } from "./authentik/events";
import type { AuditEvent, Backend } from "./authentik/messages";
import { Misbehaviour, type Fault, type When } from "./authentik/misbehaviour";
import { asStored, defaultConfig, type OutpostConfig } from "./authentik/outpostConfig";
import { newOutpost, type NewOutpost, type Outpost } from "./authentik/outposts";
import { reconcile, type DeploymentRecord, type Writes } from "./authentik/reconciler";
import { serve, type RunningServer, type ServedRequest, type ServerOptions } from "./authentik/server";

export type { Fault, NewOutpost, OutpostConfig, ServedRequest, When, Writes };

export interface AuthentikOptions {
  /** Path of the kubeconfig of the cluster to deploy outposts to. By default none are deployed. */
  kubeconfig?: string;
  /** Namespace of authentik itself, and so the default one of its outposts. Created if missing. */
  namespace: string;
  /** PEM of the key and certificate for TLS; plain HTTP by default. */
  tls?: ServerOptions["tls"];
}

/** An outpost and what the reconciler has done for it so far. */
export interface OutpostStatus extends DeploymentRecord {
  readonly pk: string;
  readonly name: string;
  readonly config: OutpostConfig;
}

export interface AuthentikStandIn {
  /** URL on loopback, with a trailing slash. */
  readonly url: string;
  readonly token: string;
  /** Writes to the Deployments of all outposts. */
  readonly writes: Writes;
  /** All requests to the API, oldest first. */
  readonly requests: readonly ServedRequest[];
  /** Adds an outpost and deploys it. Throws if the name is taken. */
  addOutpost(options: NewOutpost): Promise<OutpostStatus>;
  /** Returns the outpost of that name. If there is none, throws an error that lists the existing names. */
  outpost(name: string): OutpostStatus;
  /** Saves an outpost's config, as someone in the Admin UI does, or a program. Resolves when it is reconciled. */
  edit(name: string, change: (config: OutpostConfig) => OutpostConfig, by?: string): Promise<void>;
  /** Reconciles one outpost or all, as authentik's schedule does. An error ends up in the outpost's `lastError`. */
  reconcile(name?: string): Promise<void>;
  /** Resolves when no reconcile is left. Every change of an outpost by the API starts one, and doesn't wait for it. */
  settled(): Promise<void>;
  /** Adds a fault: from now on matching requests fail this way, too. */
  misbehave(fault: Fault, when?: When): void;
  /** Removes all faults. */
  behave(): void;
  /** Closes all connections. Deployed outposts stay. */
  stop(): Promise<void>;
}

export async function startAuthentik(options: AuthentikOptions): Promise<AuthentikStandIn> {
  const objects = options.kubeconfig === undefined ? undefined : await KubernetesObjects.connect(options.kubeconfig);
  await objects?.ensureNamespace(options.namespace);
  const authentik = new Authentik(options.namespace, randomBytes(30).toString("hex"), objects);
  await authentik.start(options);
  return authentik;
}

class Authentik implements AuthentikStandIn, Backend {
  readonly requests: ServedRequest[] = [];
  readonly events: AuditEvent[] = [];
  readonly #outposts = new Map<Outpost, DeploymentRecord>();
  readonly #misbehaviour = new Misbehaviour();
  #tasks: Promise<void> = Promise.resolve();
  #server: RunningServer | undefined;

  constructor(
    private readonly namespace: string,
    readonly token: string,
    private readonly objects: KubernetesObjects | undefined,
  ) {}

  async start({ tls }: AuthentikOptions): Promise<void> {
    const misbehaviour = this.#misbehaviour;
    this.#server = await serve({ backend: this, misbehaviour, tls, served: this.requests });
  }

  get url(): string {
    return this.#server?.url ?? "";
  }

  get writes(): Writes {
    const all = [...this.#outposts.values()].map(({ writes }) => writes);
    const total = (kind: keyof Writes) => all.reduce((sum, writes) => sum + writes[kind], 0);
    return { created: total("created"), patched: total("patched"), recreated: total("recreated") };
  }

  async addOutpost(options: NewOutpost): Promise<OutpostStatus> {
    const added = newOutpost(options, this.namespace);
    if (this.outposts().some(({ name }) => name === added.name)) {
      throw new Error(`there is an outpost ${JSON.stringify(added.name)} already`);
    }
    this.#outposts.set(added, { writes: { created: 0, patched: 0, recreated: 0 } });
    await this.#task(added);
    return this.outpost(added.name);
  }

  outpost(name: string): OutpostStatus {
    const found = this.#find(name);
    const record = this.#outposts.get(found)!;
    return structuredClone({ pk: found.pk, name, config: found.config, ...record });
  }

  async edit(name: string, change: (config: OutpostConfig) => OutpostConfig, by = "akadmin"): Promise<void> {
    const outpost = this.#find(name);
    this.save(outpost, { config: change(structuredClone(outpost.config)) }, by);
    await this.settled();
  }

  async reconcile(name?: string): Promise<void> {
    const outposts = name === undefined ? this.outposts() : [this.#find(name)];
    await Promise.all(outposts.map((outpost) => this.#task(outpost)));
  }

  settled(): Promise<void> {
    return this.#tasks;
  }

  misbehave(fault: Fault, when: When = {}): void {
    this.#misbehaviour.add(fault, when);
  }

  behave(): void {
    this.#misbehaviour.clear();
  }

  async stop(): Promise<void> {
    await this.#server?.close();
    await this.settled();
  }

  outposts(): Outpost[] {
    return [...this.#outposts.keys()];
  }

  save(outpost: Outpost, { config, ...changes }: Partial<Outpost>, by: string): void {
    Object.assign(outpost, changes, config && { config: asStored(config) });
    this.events.push(updated(outpost, by));
    void this.#task(outpost);
  }

  #find(name: string): Outpost {
    const found = this.outposts().find((outpost) => outpost.name === name);
    if (found) return found;
    const names = this.outposts().map((outpost) => JSON.stringify(outpost.name));
    throw new Error(`there is no outpost ${JSON.stringify(name)}: there are ${names.join(", ") || "none"}`);
  }

  /** Queues a reconcile. They run one after the other, each with the config of its time. */
  #task(outpost: Outpost): Promise<void> {
    const { objects } = this;
    const record = this.#outposts.get(outpost)!;
    if (objects) {
      const defaults = defaultConfig(this.namespace);
      this.#tasks = this.#tasks.then(() => reconcile(outpost, objects, record, defaults));
    }
    return this.#tasks;
  }
}
