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

const isListOfRecords = (value: unknown) => Array.isArray(value) && value.every(isRecord);

/**
 * Returns what is wrong with the one key of a config that this program writes, in authentik's words; undefined if nothing is. Keys
 * may be missing: all have defaults.
 */
export function configError({ kubernetes_json_patches: patches }: Record<string, unknown>): string | undefined {
  if (patches === undefined || patches === null) return undefined;
  if (isRecord(patches) && Object.values(patches).every(isListOfRecords)) return undefined;
  return (
    'Failed to validate config: wrong value type for field "kubernetes_json_patches" - should be ' +
    `"dict[str, list[dict[str, typing.Any]]] | None" instead of value "${JSON.stringify(patches)}" of type "dict"`
  );
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
