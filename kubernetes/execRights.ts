import type { PolicyRule } from "./types";

/** Rights that `kubectl exec` in selected pods needs. From Kubernetes 1.35 a WebSocket exec needs `create` and `get`. */
export const execRules: PolicyRule[] = [
  { apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] },
  { apiGroups: [""], resources: ["pods/exec"], verbs: ["create", "get"] },
];
