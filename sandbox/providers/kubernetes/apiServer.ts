/**
 * The few requests the provider makes of an API server: which kinds there are, read, server-side apply, delete. Raw
 * JSON over HTTPS, since a typed client would drop the fields that it does not know.
 */
import { request as httpsRequest, Agent, type RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import type { KubeConfig } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { isProperties, type Properties, type Value } from "../properties";
import { nameOf, namespaceOf, text } from "./objects";

/** What the API server answered instead of doing it; the message is its own. */
export class ApiError extends Error {
  constructor(
    readonly code: number,
    readonly status: Properties,
  ) {
    super(text(status.message) || `the API server answered ${code}`);
  }

  /** The field that the refusal is about, when it was for the given reason, such as `FieldValueRequired`. */
  fieldRefusedFor(reason: string): string | undefined {
    const causes = isProperties(this.status.details) ? this.status.details.causes : [];
    const found = (Array.isArray(causes) ? causes : []).find((cause) => isProperties(cause) && cause.reason === reason);
    return isProperties(found) ? text(found.field) : undefined;
  }
}

/** The API server has no such kind: its CustomResourceDefinition is missing. */
export class UnknownKind extends Error {
  constructor(apiVersion: string, kind: string) {
    super(`no matches for kind "${kind}" in version "${apiVersion}"`);
  }
}

export interface ApplyOptions {
  readonly fieldManager: string;
  /** Take over fields that others manage. */
  readonly force: boolean;
  /** Validate, default and merge, but write nothing. */
  readonly dryRun: boolean;
}

interface Kind {
  readonly plural: string;
  readonly namespaced: boolean;
}

export class ApiServer {
  readonly #kinds = new Map<string, Promise<ReadonlyMap<string, Kind>>>();
  readonly #agent = new Agent({ keepAlive: true });

  constructor(private readonly kubeConfig: KubeConfig) {}

  /** Whether the API server knows the kind of the object. */
  async knows(object: Properties): Promise<boolean> {
    return this.#kindOf(object).then(
      () => true,
      (error: unknown) => {
        if (error instanceof UnknownKind) return false;
        throw error;
      },
    );
  }

  async isNamespaced(object: Properties): Promise<boolean> {
    return (await this.#kindOf(object)).namespaced;
  }

  async version(): Promise<Properties> {
    return this.#json("GET", "/version");
  }

  /** The live object of the same kind, namespace and name. */
  async get(object: Properties): Promise<Properties> {
    return this.#json("GET", await this.#path(object));
  }

  /** Server-side apply: creates the object or merges it into the one that is there. */
  async apply(object: Properties, { fieldManager, force, dryRun }: ApplyOptions): Promise<Properties> {
    const query = new URLSearchParams({ fieldManager, force: String(force), ...(dryRun && { dryRun: "All" }) });
    return this.#json("PATCH", `${await this.#path(object)}?${query}`, {
      type: "application/apply-patch+yaml",
      text: JSON.stringify(object),
    });
  }

  /** Changes the live object by an RFC 6902 patch. */
  async patch(object: Properties, operations: Value[]): Promise<void> {
    const body = { type: "application/json-patch+json", text: JSON.stringify(operations) };
    await this.#json("PATCH", await this.#path(object), body);
  }

  /** Deletes the object and all it owns, and resolves when it is gone; so does one that is not there. */
  async delete(object: Properties): Promise<void> {
    const path = await this.#path(object);
    const options = JSON.stringify({ propagationPolicy: "Foreground" });
    const answer = await this.#json("DELETE", path, { type: "application/json", text: options });
    // A Status says that it is gone; the object itself, that finalizers are still at work.
    if (answer.kind !== "Status") await this.#gone(path, object, answer);
  }

  async #gone(path: string, object: Properties, deleting: Properties): Promise<void> {
    const query = new URLSearchParams({
      watch: "true",
      fieldSelector: `metadata.name=${nameOf(object)}`,
      resourceVersion: text(isProperties(deleting.metadata) ? deleting.metadata.resourceVersion : ""),
      timeoutSeconds: "300",
    });
    const response = await this.#send("GET", `${path.slice(0, path.lastIndexOf("/"))}?${query}`);
    let buffered = "";
    for await (const chunk of response.setEncoding("utf8")) {
      const lines = (buffered + String(chunk)).split("\n");
      buffered = lines.pop() ?? "";
      if (lines.some((line) => (JSON.parse(line) as Properties).type === "DELETED")) return void response.destroy();
    }
    await this.get(object);
    throw new Error(
      `Timed out waiting for deletion of ${text(object.apiVersion)}/${text(object.kind)} "${nameOf(object)}"`,
    );
  }

  async #path(object: Properties): Promise<string> {
    const { plural, namespaced } = await this.#kindOf(object);
    const namespace = namespaced ? `/namespaces/${namespaceOf(object) || "default"}` : "";
    return `${groupPath(text(object.apiVersion))}${namespace}/${plural}/${encodeURIComponent(nameOf(object))}`;
  }

  async #kindOf(object: Properties): Promise<Kind> {
    const [apiVersion, kind] = [text(object.apiVersion), text(object.kind)];
    const known = (await this.#kindsOf(apiVersion)).get(kind);
    if (known) return known;
    // It may have come since, with its CustomResourceDefinition.
    this.#kinds.delete(apiVersion);
    const found = (await this.#kindsOf(apiVersion)).get(kind);
    if (!found) throw new UnknownKind(apiVersion, kind);
    return found;
  }

  #kindsOf(apiVersion: string): Promise<ReadonlyMap<string, Kind>> {
    const kinds = this.#kinds.get(apiVersion) ?? this.#discover(apiVersion);
    this.#kinds.set(apiVersion, kinds);
    return kinds;
  }

  async #discover(apiVersion: string): Promise<ReadonlyMap<string, Kind>> {
    try {
      const { resources } = await this.#json("GET", groupPath(apiVersion));
      const found = (Array.isArray(resources) ? resources : []).filter(isProperties);
      const objects = found.filter((resource) => !text(resource.name).includes("/"));
      return new Map(
        objects.map((it) => [text(it.kind), { plural: text(it.name), namespaced: it.namespaced === true }]),
      );
    } catch (error) {
      this.#kinds.delete(apiVersion);
      if (error instanceof ApiError && error.code === 404) return new Map();
      throw error;
    }
  }

  async #json(method: string, path: string, body?: { type: string; text: string }): Promise<Properties> {
    const response = await this.#send(method, path, body);
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part as Buffer);
    const received = Buffer.concat(parts).toString("utf8");
    const code = response.statusCode ?? 0;
    if (code >= 200 && code < 300) return JSON.parse(received) as Properties;
    throw new ApiError(code, statusOf(received));
  }

  async #send(method: string, path: string, body?: { type: string; text: string }): Promise<IncomingMessage> {
    const cluster = this.kubeConfig.getCurrentCluster();
    const options: RequestOptions = {};
    await this.kubeConfig.applyToHTTPSOptions(options);
    if (!cluster?.proxyUrl) options.agent = this.#agent;
    // Node sends a DELETE's body without its length, which spoils the kept connection for the next request.
    const bodyHeaders = body && { "Content-Type": body.type, "Content-Length": Buffer.byteLength(body.text) };
    options.headers = { ...options.headers, Accept: "application/json", ...bodyHeaders };
    const url = new URL((cluster?.server ?? "").replace(/\/$/, "") + path);
    return new Promise((resolve, reject) => {
      const request = httpsRequest(url, { ...options, method }, resolve);
      request.on("error", reject);
      request.end(body?.text);
    });
  }
}

const groupPath = (apiVersion: string): string =>
  apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;

function statusOf(received: string): Properties {
  try {
    const parsed = JSON.parse(received) as Properties;
    return isProperties(parsed) ? parsed : { message: received };
  } catch {
    return { message: received.trim() };
  }
}
