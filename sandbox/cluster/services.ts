/** Addresses of the cluster's services, and of the DNS service it would have. */
export const SERVICES = { network: "10.99.0.0/24", dns: "10.99.0.10" };
