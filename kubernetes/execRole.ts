import type { PolicyRule } from "./types";

/**
 * Returns the rights that `kubectl exec` in these Deployments' pods needs, by each one's own selector. From Kubernetes 1.35 a
 * WebSocket exec needs `create` and `get`. RBAC can't select pods by label, but it can name Deployments.
 */
export const execRules = (deployments: string[]): PolicyRule[] => [
  { apiGroups: ["apps"], resources: ["deployments"], resourceNames: [...deployments].sort(), verbs: ["get"] },
  { apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] },
  { apiGroups: [""], resources: ["pods/exec"], verbs: ["create", "get"] },
];
