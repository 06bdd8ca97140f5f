import type { PolicyRule } from "./types";

/** Rights that `kubectl exec` in a Deployment's pods needs, by its own selector. From Kubernetes 1.35 a WebSocket exec needs `create` and `get`. */
export const execRules: PolicyRule[] = [
  { apiGroups: ["apps"], resources: ["deployments"], verbs: ["get"] },
  { apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] },
  { apiGroups: [""], resources: ["pods/exec"], verbs: ["create", "get"] },
];
