// managedFields as the API server writes them.

/** Returns an entry of this manager, by default of an update. */
export const managed = (manager: string, fieldsV1: object, subresource?: string, operation = "Update") => ({
  manager,
  operation,
  fieldsV1,
  ...(subresource && { subresource }),
});

/** Returns fields of a Deployment that are these of its pod spec. */
export const podSpecFields = (fields: object) => ({ "f:spec": { "f:template": { "f:spec": fields } } });

/** Fields of our volume, for a pod spec. */
export const ofVolume = { "f:volumes": { 'k:{"name":"dshm"}': {} } };
