// An outpost's `config`: its keys and their defaults, what authentik refuses, and the form in its database.
// Source: OutpostConfig of authentik/outposts/models.py, checked by dacite 1.9 (OutpostSerializer.validate_config).

/** One operation of a JSON Patch. As in authentik, nothing checks it before a reconcile applies it. */
export type RawOperation = Record<string, unknown>;

/** Keys whose type the stand-in knows. Any other key is kept as it is, as in authentik. */
export interface OutpostConfig extends Record<string, unknown> {
  object_naming_template: string;
  container_image: string | null;
  kubernetes_replicas: number;
  kubernetes_namespace: string;
  kubernetes_disabled_components: string[];
  kubernetes_image_pull_secrets: string[];
  /** Operations by reconciler: `deployment`, `service`, … */
  kubernetes_json_patches: Record<string, RawOperation[]> | null;
}

/** @param namespace the one that authentik runs in, which `kubernetes_namespace` defaults to */
export function defaultConfig(namespace: string): OutpostConfig {
  return {
    authentik_host: "",
    authentik_host_insecure: false,
    authentik_host_browser: "",
    log_level: "info",
    object_naming_template: "ak-outpost-%(name)s",
    refresh_interval: "minutes=5",
    container_image: null,
    docker_network: null,
    docker_map_ports: true,
    docker_labels: null,
    kubernetes_replicas: 1,
    kubernetes_namespace: namespace,
    kubernetes_ingress_annotations: {},
    kubernetes_ingress_secret_name: "authentik-outpost-tls",
    kubernetes_ingress_class_name: null,
    kubernetes_ingress_path_type: null,
    kubernetes_httproute_annotations: {},
    kubernetes_httproute_parent_refs: [],
    kubernetes_service_type: "ClusterIP",
    kubernetes_disabled_components: [],
    kubernetes_image_pull_secrets: [],
    kubernetes_json_patches: null,
  };
}

interface FieldType {
  /** Name in dacite's messages. */
  name: string;
  accepts: (value: unknown) => boolean;
}

const isText = (value: unknown) => typeof value === "string";
const isRecordOf = (accepts: (value: unknown) => boolean) => (value: unknown) =>
  isRecord(value) && Object.values(value).every(accepts);
const isListOf = (accepts: (value: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.every(accepts);
const orNone = ({ name, accepts }: FieldType): FieldType => ({
  name: `${name} | None`,
  accepts: (value) => value === null || accepts(value),
});

const text: FieldType = { name: "str", accepts: isText };
const boolean: FieldType = { name: "bool", accepts: (value) => typeof value === "boolean" };
/** Accepts booleans too, since they are integers to Python. */
const integer: FieldType = { name: "int", accepts: (value) => Number.isInteger(value) || typeof value === "boolean" };
const texts: FieldType = { name: "list", accepts: isListOf(isText) };
const textRecord: FieldType = { name: "dict", accepts: isRecordOf(isText) };

const fieldTypes: Record<string, FieldType> = {
  authentik_host: text,
  authentik_host_insecure: boolean,
  authentik_host_browser: text,
  log_level: text,
  object_naming_template: text,
  refresh_interval: text,
  container_image: orNone(text),
  docker_network: orNone(text),
  docker_map_ports: boolean,
  docker_labels: orNone({ ...textRecord, name: "dict[str, str]" }),
  kubernetes_replicas: integer,
  kubernetes_namespace: text,
  kubernetes_ingress_annotations: textRecord,
  kubernetes_ingress_secret_name: text,
  kubernetes_ingress_class_name: orNone(text),
  kubernetes_ingress_path_type: orNone(text),
  kubernetes_httproute_annotations: textRecord,
  kubernetes_httproute_parent_refs: { name: "list", accepts: isListOf(isRecordOf(isText)) },
  kubernetes_service_type: text,
  kubernetes_disabled_components: texts,
  kubernetes_image_pull_secrets: texts,
  kubernetes_json_patches: orNone({
    name: "dict[str, list[dict[str, typing.Any]]]",
    accepts: isRecordOf(isListOf(isRecord)),
  }),
};

/** Returns what is wrong with a config, in authentik's words; undefined if nothing is. Keys may be missing: all have defaults. */
export function configError(config: unknown): string | undefined {
  if (!isRecord(config)) return "Value must be a dictionary, and not have any duplicate keys.";
  for (const [field, { name, accepts }] of Object.entries(fieldTypes)) {
    if (!(field in config) || accepts(config[field])) continue;
    const [value, type] = inPython(config[field]);
    return `Failed to validate config: wrong value type for field "${field}" - should be "${name}" instead of value "${value}" of type "${type}"`;
  }
  return undefined;
}

/** Formats value and type as Python prints them. Lists and objects become JSON, which is close enough for a message. */
function inPython(value: unknown): [value: string, type: string] {
  if (value === null) return ["None", "NoneType"];
  if (typeof value === "string") return [value, "str"];
  if (typeof value === "number") return [String(value), Number.isInteger(value) ? "int" : "float"];
  if (typeof value === "boolean") return [value ? "True" : "False", "bool"];
  return [JSON.stringify(value), Array.isArray(value) ? "list" : "dict"];
}

/**
 * Returns the value as PostgreSQL does from a `jsonb` column: the members of every object are sorted by the length of the key
 * and then by bytes. Anyone who compares written with read values must ignore the order of keys. Lists keep theirs.
 */
export function asStored<T>(value: T): T {
  if (Array.isArray(value)) return value.map(asStored) as T;
  if (!isRecord(value)) return value;
  const members = Object.keys(value).filter((key) => value[key] !== undefined); // JSON leaves out the others
  const keys = members.map((key) => Buffer.from(key));
  keys.sort((a, b) => a.length - b.length || Buffer.compare(a, b));
  return Object.fromEntries(keys.map(String).map((key) => [key, asStored(value[key])])) as T;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
