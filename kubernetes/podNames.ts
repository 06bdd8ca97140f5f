/** Longest base that Kubernetes leaves of a generated name, before its five random characters. */
const longestBase = 58;
/** A ReplicaSet adds a hyphen and up to ten characters to its Deployment's name, and its pods another hyphen. */
const longestWhole = longestBase - "-0123456789-".length;
const ofPod = "[a-z0-9]{5}";

/**
 * Returns a regular expression that matches the names of a Deployment's pods, and those of no other Deployment, unless both names
 * begin with the same 58 characters.
 */
export function podNamePattern(deployment: string): string {
  const whole = `${deployment}-[a-z0-9]+-${ofPod}`;
  if (deployment.length <= longestWhole) return whole;
  // Kubernetes cuts the end off a longer base: a part of the ReplicaSet's characters, or even of the name itself.
  if (deployment.length >= longestBase) return `${deployment.slice(0, longestBase)}${ofPod}`;
  return `(${whole}|${deployment}-[a-z0-9]{${longestBase - deployment.length - 1}}${ofPod})`;
}
