/** Name of the CronJob and of the account it runs as: one of each per namespace. */
export const objectName = "authentik-outpost-shm-cleanup";
