// A stand-in of authentik, as far as outposts go: its API for them, and its reconciler that deploys them to Kubernetes. No more of it is there:
// no Admin UI, no outpost's own traffic, no types but proxy deployed, of the objects only the Deployment kept up to date.
import { randomBytes } from "node:crypto";
import { KubernetesObjects } from "./authentik/kubernetesObjects";
import type { Backend } from "./authentik/messages";
import { Misbehaviour, type Fault, type When } from "./authentik/misbehaviour";
import { asStored, defaultConfig, type OutpostConfig } from "./authentik/outpostConfig";
import { newOutpost, type NewOutpost, type Outpost } from "./authentik/outposts";
import { reconcile, type DeploymentRecord, type Writes } from "./authentik/reconciler";
import { serve, type RunningServer, type ServedRequest, type ServerOptions } from "./authentik/server";

export type { Fault, NewOutpost, OutpostConfig, ServedRequest, When, Writes };

export interface AuthentikOptions {
  /** Path of the kubeconfig of the cluster that outposts are deployed to; default: none are. */
  kubeconfig?: string;
  /** Where authentik itself runs, and so where outposts are deployed unless their config says otherwise. Made where missing. */
  namespace: string;
  /** The API token; default: a random one. */
  token?: string;
  /** Path that the API and all else are served under, such as "/auth/"; default "/". */
  basePath?: string;
  /** PEM of the key and certificate to serve TLS with; default plain HTTP. */
  tls?: ServerOptions["tls"];
}

/** An outpost and what the reconciler has done for it, as of now. */
export interface OutpostStatus extends DeploymentRecord {
  readonly pk: string;
  readonly name: string;
  readonly config: OutpostConfig;
}

export interface AuthentikStandIn {
  /** On loopback, with the base path and a slash at its end. */
  readonly url: string;
  readonly token: string;
  /** To all outposts' Deployments. */
  readonly writes: Writes;
  /** All that the API was asked, oldest first. */
  readonly requests: readonly ServedRequest[];
  /** Adds an outpost and deploys it. Throws where the name is taken. */
  addOutpost(options: NewOutpost): Promise<OutpostStatus>;
  /** Throws where there is none of that name, and names those that are. */
  outpost(name: string): OutpostStatus;
  /** Saves an outpost's config as somebody does in the Admin UI; resolves when it is reconciled. */
  edit(name: string, change: (config: OutpostConfig) => OutpostConfig): Promise<void>;
  /** Reconciles one outpost, or all, as authentik does by its schedule. Errors are the outpost's `lastError`. */
  reconcile(name?: string): Promise<void>;
  /** Resolves when all reconciles are done: every change of an outpost by the API starts one, and doesn't wait for it. */
  settled(): Promise<void>;
  /** From now on requests fail as said, on top of what was said before. */
  misbehave(fault: Fault, when?: When): void;
  /** Ends all of that. */
  behave(): void;
  /** Closes all connections. What is deployed stays. */
  stop(): Promise<void>;
}

export async function startAuthentik(options: AuthentikOptions): Promise<AuthentikStandIn> {
  const objects = options.kubeconfig === undefined ? undefined : await KubernetesObjects.connect(options.kubeconfig);
  await objects?.ensureNamespace(options.namespace);
  const authentik = new Authentik(options.namespace, options.token ?? randomBytes(30).toString("hex"), objects);
  await authentik.start(options);
  return authentik;
}

class Authentik implements AuthentikStandIn, Backend {
  readonly requests: ServedRequest[] = [];
  readonly #outposts = new Map<Outpost, DeploymentRecord>();
  readonly #misbehaviour = new Misbehaviour();
  #tasks: Promise<void> = Promise.resolve();
  #server: RunningServer | undefined;

  constructor(
    private readonly namespace: string,
    readonly token: string,
    private readonly objects: KubernetesObjects | undefined,
  ) {}

  async start({ basePath = "/", tls }: AuthentikOptions): Promise<void> {
    const misbehaviour = this.#misbehaviour;
    this.#server = await serve({ backend: this, misbehaviour, basePath, tls, served: this.requests });
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
    this.#outposts.set(added, { writes: { created: 0, patched: 0, recreated: 0 }, reads: 0 });
    await this.#task(added);
    return this.outpost(added.name);
  }

  outpost(name: string): OutpostStatus {
    const found = this.#find(name);
    const record = this.#outposts.get(found)!;
    return structuredClone({ pk: found.pk, name, config: found.config, ...record });
  }

  async edit(name: string, change: (config: OutpostConfig) => OutpostConfig): Promise<void> {
    const outpost = this.#find(name);
    this.save(outpost, { config: change(structuredClone(outpost.config)) });
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

  save(outpost: Outpost, { config, ...changes }: Partial<Outpost>): void {
    Object.assign(outpost, changes, config && { config: asStored(config) });
    void this.#task(outpost);
  }

  #find(name: string): Outpost {
    const found = this.outposts().find((outpost) => outpost.name === name);
    if (found) return found;
    const names = this.outposts().map((outpost) => JSON.stringify(outpost.name));
    throw new Error(`there is no outpost ${JSON.stringify(name)}: there are ${names.join(", ") || "none"}`);
  }

  /** One after the other, each with the config of when it runs. */
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
