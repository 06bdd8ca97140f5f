/**
 * Serves a provider to the Pulumi engine: the gRPC methods of the SDK's own protos on a loopback port, which the
 * engine attaches to when PULUMI_DEBUG_PROVIDERS names it. Each provider resource of a deployment (the default one of
 * every run, explicit ones beside it) is a connection of its own and gets its own configured `Provider`.
 */
import * as grpc from "@grpc/grpc-js";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { PluginInfo, type PluginAttach } from "@pulumi/pulumi/proto/plugin_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { fromStruct, toStruct, type Properties } from "./properties";

export type DiffKind = "add" | "delete" | "update";
export interface PropertyChange {
  readonly kind: DiffKind;
  /** The resource must be made anew for this change. */
  readonly replace: boolean;
}
export interface Diff {
  /** Keyed by property path, such as `spec.template.spec.containers[0].image`. */
  readonly changes: ReadonlyMap<string, PropertyChange>;
  readonly deleteBeforeReplace: boolean;
}

/** One configured provider: the operations the engine asks for, in plain property values. */
export interface Provider {
  configure(config: Properties): Promise<void>;
  check(request: { urn: string; name: string; olds: Properties; news: Properties; seed: Buffer }): Promise<Properties>;
  diff(request: { urn: string; state: Properties; news: Properties; ignored: string[] }): Promise<Diff>;
  create(request: { urn: string; inputs: Properties; preview: boolean }): Promise<{ id: string; state: Properties }>;
  /** Undefined when the resource is gone. */
  read(request: ReadRequest): Promise<{ id: string; state: Properties; inputs: Properties } | undefined>;
  update(request: { urn: string; state: Properties; news: Properties; preview: boolean }): Promise<Properties>;
  delete(request: { urn: string; id: string; state: Properties }): Promise<void>;
}
export interface ReadRequest {
  readonly urn: string;
  readonly id: string;
  readonly state: Properties;
  readonly inputs: Properties;
}

/** Where a provider's messages to the user go: the engine's diagnostics. */
export type Log = (severity: "info" | "warning", urn: string, message: string) => Promise<void>;

/** The resource exists but is not as asked; the engine keeps `state` and tries again on the next update. */
export class NotInitialized extends Error {
  constructor(
    message: string,
    readonly id: string,
    readonly state: Properties,
  ) {
    super(message);
  }
}

export interface ServedProvider {
  readonly port: number;
  stop(): Promise<void>;
}

/** Listens on a free loopback port until stopped; `version` is what the engine is told (the SDK's own version). */
export async function serveProvider(version: string, open: (log: Log) => Provider): Promise<ServedProvider> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  const sessions = new Map<string, Session>();
  server.addService(ResourceProviderService, handlers(version, open, sessions));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const stop = () => {
    for (const session of sessions.values()) session.close();
    server.forceShutdown();
    return Promise.resolve();
  };
  return { port, stop };
}

function handlers(
  version: string,
  open: (log: Log) => Provider,
  sessions: Map<string, Session>,
): grpc.UntypedServiceImplementation {
  const sessionOf = (peer: string): Session => {
    const session = sessions.get(peer) ?? new Session(open);
    sessions.set(peer, session);
    return session;
  };
  return {
    ...operationHandlers((peer) => sessionOf(peer).provider),
    attach: unary((request: PluginAttach, peer) => {
      sessionOf(peer).attach(request.getAddress());
      return Promise.resolve(new Empty());
    }),
    getPluginInfo: unary(() => Promise.resolve(new PluginInfo().setVersion(version))),
    cancel: unary(() => Promise.resolve(new Empty())),
  };
}

/** One connection of an engine: the provider it configures, and the way back to that engine's diagnostics. */
class Session {
  readonly provider: Provider;
  #engine: EngineClient | undefined;

  constructor(open: (log: Log) => Provider) {
    this.provider = open((severity, urn, message) => this.#log(severity, urn, message));
  }

  attach(address: string): void {
    this.close();
    this.#engine = new EngineClient(address, grpc.credentials.createInsecure());
  }

  close(): void {
    this.#engine?.close();
  }

  async #log(severity: "info" | "warning", urn: string, message: string): Promise<void> {
    const request = new LogRequest().setUrn(urn).setMessage(message);
    request.setSeverity(severity === "info" ? LogSeverity.INFO : LogSeverity.WARNING);
    // A message that does not arrive must not fail the operation it is about.
    await new Promise<void>((resolve) => (this.#engine ? this.#engine.log(request, () => resolve()) : resolve()));
  }
}

function operationHandlers(providerOf: (peer: string) => Provider): grpc.UntypedServiceImplementation {
  return {
    checkConfig: unary((request: messages.CheckRequest) =>
      Promise.resolve(new messages.CheckResponse().setInputs(request.getNews())),
    ),
    diffConfig: unary((request: messages.DiffRequest) => Promise.resolve(configDiff(request))),
    configure: unary(async (request: messages.ConfigureRequest, peer) => {
      await providerOf(peer).configure(fromStruct(request.getArgs()));
      return new messages.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
    }),
    check: unary(async (request: messages.CheckRequest, peer) => {
      const { olds, news } = oldAndNew(request);
      const seed = Buffer.from(request.getRandomseed_asU8());
      const common = { urn: request.getUrn(), name: request.getName() };
      const inputs = await providerOf(peer).check({ ...common, olds, news, seed });
      return new messages.CheckResponse().setInputs(toStruct(inputs));
    }),
    diff: unary(async (request: messages.DiffRequest, peer) => {
      const { olds: state, news } = oldAndNew(request);
      const ignored = request.getIgnorechangesList();
      return diffResponse(await providerOf(peer).diff({ urn: request.getUrn(), state, news, ignored }));
    }),
    create: unary(async (request: messages.CreateRequest, peer) => {
      const inputs = fromStruct(request.getProperties());
      const urn = request.getUrn();
      const { id, state } = await providerOf(peer).create({ urn, inputs, preview: request.getPreview() });
      return new messages.CreateResponse().setId(id).setProperties(toStruct(state));
    }),
    read: unary(async (request: messages.ReadRequest, peer) => {
      const state = fromStruct(request.getProperties());
      const inputs = fromStruct(request.getInputs());
      const found = await providerOf(peer).read({ urn: request.getUrn(), id: request.getId(), state, inputs });
      const response = new messages.ReadResponse();
      if (!found) return response;
      return response.setId(found.id).setProperties(toStruct(found.state)).setInputs(toStruct(found.inputs));
    }),
    update: unary(async (request: messages.UpdateRequest, peer) => {
      const { olds: state, news } = oldAndNew(request);
      const urn = request.getUrn();
      const updated = await providerOf(peer).update({ urn, state, news, preview: request.getPreview() });
      return new messages.UpdateResponse().setProperties(toStruct(updated));
    }),
    delete: unary(async (request: messages.DeleteRequest, peer) => {
      const state = fromStruct(request.getProperties());
      await providerOf(peer).delete({ urn: request.getUrn(), id: request.getId(), state });
      return new Empty();
    }),
  };
}

function oldAndNew(request: { getOlds(): Struct | undefined; getNews(): Struct | undefined }) {
  return { olds: fromStruct(request.getOlds()), news: fromStruct(request.getNews()) };
}

/** A changed provider setting updates the provider in place and never replaces what it made. */
function configDiff(request: messages.DiffRequest): messages.DiffResponse {
  const { olds, news } = oldAndNew(request);
  const keys = [...new Set([...Object.keys(olds), ...Object.keys(news)])];
  const changed = keys.filter((key) => JSON.stringify(olds[key]) !== JSON.stringify(news[key]));
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  return new messages.DiffResponse().setDiffsList(changed).setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE);
}

function diffResponse({ changes, deleteBeforeReplace }: Diff): messages.DiffResponse {
  const { Kind } = messages.PropertyDiff;
  const kinds = {
    add: [Kind.ADD, Kind.ADD_REPLACE],
    delete: [Kind.DELETE, Kind.DELETE_REPLACE],
    update: [Kind.UPDATE, Kind.UPDATE_REPLACE],
  } as const;
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  const response = new messages.DiffResponse().setHasdetaileddiff(true).setDeletebeforereplace(deleteBeforeReplace);
  response.setChanges(changes.size > 0 ? DIFF_SOME : DIFF_NONE);
  for (const [path, { kind, replace }] of changes) {
    const change = new messages.PropertyDiff().setKind(kinds[kind][replace ? 1 : 0]);
    response.getDetaileddiffMap().set(path, change.setInputdiff(kind === "delete"));
    if (replace) response.addReplaces(path);
  }
  return response;
}

type UnaryHandler<Request, Response> = (request: Request, peer: string) => Promise<Response>;

function unary<Request, Response>(handler: UnaryHandler<Request, Response>): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    handler(call.request, call.getPeer()).then(
      (response) => callback(null, response),
      (error: unknown) => callback(serviceError(error)),
    );
  };
}

/** gRPC carries an error's message; a NotInitialized also carries the state to keep, in the standard details header. */
function serviceError(error: unknown): Partial<grpc.StatusObject> {
  const message = error instanceof Error ? error.message : String(error);
  const metadata = new grpc.Metadata();
  if (error instanceof NotInitialized) {
    const detail = new messages.ErrorResourceInitFailed().setId(error.id).setReasonsList([message]);
    detail.setProperties(toStruct(error.state));
    const any = new Any();
    any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const status = new Status();
    status.setCode(grpc.status.UNKNOWN);
    status.setMessage(message);
    status.addDetails(any);
    metadata.set("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  }
  return { code: grpc.status.UNKNOWN, details: message, metadata };
}
