/** Labels of every object we create; authentik's own Deployment gets none of them. */
export const objectLabels = {
  "app.kubernetes.io/name": "authentik-outpost-shm",
  "app.kubernetes.io/component": "shm-cleanup",
  "app.kubernetes.io/managed-by": "pulumi",
};
