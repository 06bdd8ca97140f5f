// A stand-in of authentik, as far as outposts go: the API for them, and the reconciler that deploys them to Kubernetes. It has
// no Admin UI and no outpost traffic. It deploys only proxy outposts, and keeps only their Deployments up to date.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { AuditEvent, Backend, Fault, ServedRequest, When } from "./authentik/api";
import { asStored, defaultConfig, type OutpostConfig } from "./authentik/outpostConfig";
import { newOutpost, type NewOutpost, type Outpost } from "./authentik/outposts";
import { reconcile, type DeploymentRecord, type Writes } from "./authentik/reconciler";
import { serve, type Tls } from "./authentik/server";
import { clients, type Clients } from "./clients";
import { ensureNamespace } from "./outpost";

export type { NewOutpost, OutpostConfig, Writes };

export interface AuthentikOptions {
  /** Path of the kubeconfig of the cluster to deploy outposts to. By default none are deployed. */
  kubeconfig?: string;
  /** Namespace of authentik itself, and so the default one of its outposts. Created if missing. */
  namespace: string;
  /** Plain HTTP by default. */
  tls?: Tls;
}

/** An outpost and what the reconciler has done for it so far. */
export interface OutpostStatus extends DeploymentRecord {
  readonly pk: string;
  readonly name: string;
  readonly config: OutpostConfig;
}

export async function startAuthentik({ kubeconfig, namespace, tls }: AuthentikOptions): Promise<AuthentikStandIn> {
  const api = kubeconfig === undefined ? undefined : await clients(kubeconfig);
  if (api) await ensureNamespace(api.core, namespace);
  return new AuthentikStandIn(namespace, api).start(tls);
}

export class AuthentikStandIn implements Backend {
  readonly token = randomBytes(30).toString("hex");
  readonly requests: ServedRequest[] = [];
  readonly faults: Fault[] = [];
  readonly events: AuditEvent[] = [];
  readonly #outposts = new Map<Outpost, DeploymentRecord>();
  /** Resolves when no reconcile is left. Every change of an outpost by the API starts one, and doesn't wait for it. */
  #tasks: Promise<void> = Promise.resolve();
  #server!: Server;
  /** URL on loopback, with a trailing slash. */
  url = "";

  constructor(
    private readonly namespace: string,
    private readonly api: Clients | undefined,
  ) {}

  async start(tls?: Tls): Promise<this> {
    this.#server = await serve(this, tls);
    const { port } = this.#server.address() as AddressInfo;
    this.url = `${tls ? "https" : "http"}://127.0.0.1:${port}/`;
    return this;
  }

  /** Closes all connections. Deployed outposts stay. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await once(this.#server.close(), "close");
    await this.#tasks;
  }

  /** Writes to the Deployments of all outposts. */
  get writes(): Writes {
    const all = [...this.#outposts.values()].map(({ writes }) => writes);
    const total = (kind: keyof Writes) => all.reduce((sum, writes) => sum + writes[kind], 0);
    return { created: total("created"), patched: total("patched"), recreated: total("recreated") };
  }

  /** Adds an outpost and deploys it. Throws if the name is taken. */
  async addOutpost(options: NewOutpost): Promise<OutpostStatus> {
    const added = newOutpost(options, this.namespace);
    if (this.outposts().some(({ name }) => name === added.name)) {
      throw new Error(`there is an outpost ${JSON.stringify(added.name)} already`);
    }
    this.#outposts.set(added, { writes: { created: 0, patched: 0, recreated: 0 } });
    await this.#task(added);
    return this.outpost(added.name);
  }

  /** Returns the outpost of that name. If there is none, throws an error that lists the existing names. */
  outpost(name: string): OutpostStatus {
    const found = this.#find(name);
    const record = this.#outposts.get(found)!;
    return structuredClone({ pk: found.pk, name, config: found.config, ...record });
  }

  /** Saves an outpost's config, as someone in the Admin UI does, or a program. Resolves when it is reconciled. */
  async edit(name: string, change: (config: OutpostConfig) => OutpostConfig, by = "akadmin"): Promise<void> {
    const outpost = this.#find(name);
    this.save(outpost, change(structuredClone(outpost.config)), by);
    await this.#tasks;
  }

  /** Reconciles one outpost or all, as authentik's schedule does. An error ends up in the outpost's `lastError`. */
  async reconcile(name?: string): Promise<void> {
    const outposts = name === undefined ? this.outposts() : [this.#find(name)];
    await Promise.all(outposts.map((outpost) => this.#task(outpost)));
  }

  /** Adds a fault: from now on matching requests fail this way, too. */
  misbehave(fault: Pick<Fault, "status">, when: When = {}): void {
    this.faults.push({ ...fault, ...when });
  }

  /** Removes all faults. */
  behave(): void {
    this.faults.length = 0;
  }

  outposts(): Outpost[] {
    return [...this.#outposts.keys()];
  }

  save(outpost: Outpost, config: OutpostConfig, username: string): void {
    outpost.config = asStored(config);
    const model = { pk: outpost.pk.replaceAll("-", "") };
    this.events.push({ action: "model_updated", user: { username }, context: { model } });
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
    const { api } = this;
    const record = this.#outposts.get(outpost)!;
    if (api) {
      const defaults = defaultConfig(this.namespace);
      this.#tasks = this.#tasks.then(() => reconcile(outpost, api, record, defaults));
    }
    return this.#tasks;
  }
}
