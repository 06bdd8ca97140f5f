import { type Parsed, parseInteger } from "./parsed";

/** The highest user id that the API server accepts (IsValidUserID in k8s.io/apimachinery). */
const highestUserId = 2 ** 31 - 1;

/** Value of `runAsUser` that leaves the users of our containers to the cluster, as it leaves the outpost's. */
export const clusterUser = "cluster";

/** Reads a user id, in canonical form as text, since `cluster` is none. */
export function parseUser(value: unknown): Parsed<string> {
  if (value === clusterUser) return { value: clusterUser };
  if (value === 0 || value === "0") return { wrong: "is root, and the outpost runs as a user of its own, e.g. 1000" };
  const user = parseInteger(value, 1, highestUserId);
  if (!("wrong" in user)) return { value: String(user.value) };
  return {
    wrong: `${user.wrong}; give the outpost's numeric user id, e.g. 1000, or ${clusterUser} to leave it to the cluster`,
  };
}
