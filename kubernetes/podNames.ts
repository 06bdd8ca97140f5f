/** Longest base that Kubernetes leaves of a generated name, before its five random characters. */
const longestBase = 58;
/** A ReplicaSet adds a hyphen and up to ten characters to its Deployment's name, and its pods another hyphen. */
const longestWhole = longestBase - "-0123456789-".length;

/** Returns a regular expression that matches the names of a Deployment's pods, and those of no other Deployment. */
export function podNamePattern(deployment: string): string {
  // Kubernetes cuts the end off a longer name, so only the beginning of the name itself can be matched.
  if (deployment.length > longestWhole) return `${deployment.slice(0, longestBase)}.*`;
  return `${deployment}-[a-z0-9]+-[a-z0-9]{5}`;
}
